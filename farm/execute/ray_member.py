"""One Ray actor as the driver sees it: greeted, given work, heard."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import ray
from ray import ObjectRef, ObjectRefGenerator
from ray.actor import ActorHandle
from ray.exceptions import ActorDiedError, ActorUnavailableError, RayActorError, RayError

from farm.events import ChunkDone, WorkerStarted
from farm.execute.lease import Lease
from farm.execute.outcome import Outcome
from farm.execute.ray_actor import Greeting

Signal: TypeAlias = Any
"""What `ray.wait` takes: an ObjectRef, or the ObjectRefGenerator of a call."""


class WorkerFailed(Exception):
    """A worker is of no more use; the text says why. `dead` if its process is gone for certain."""

    def __init__(self, reason: str, *, dead: bool) -> None:
        super().__init__(reason)
        self.dead = dead

    @classmethod
    def because(cls, error: RayError) -> WorkerFailed:
        """Describe what Ray says; an actor that is only unavailable may still write."""
        return cls(_reason(error), dead=isinstance(error, ActorDiedError))


@dataclass(eq=False, slots=True, kw_only=True)
class Member:
    """An actor. It is up once `greeting` is known; `leases` are the calls that it works on, oldest first.

    `recruited` is when it was asked for, `heard` when it last said something, or was given work after having none;
    both on `time.monotonic`. `useful` if it has finished a chunk.
    """

    name: str
    actor: ActorHandle
    hello: ObjectRef
    recruited: float
    greeting: Greeting | None = None
    leases: dict[ObjectRefGenerator, Lease] = field(default_factory=dict)
    heard: float = 0.0
    useful: bool = False

    @property
    def started(self) -> bool:
        """Whether its process is up."""
        return self.greeting is not None

    def silence(self) -> float:
        """Return for how many seconds nothing was heard of the work it has, or of its start."""
        if not self.started:
            return time.monotonic() - self.recruited
        return time.monotonic() - self.heard if self.leases else 0.0

    def signals(self) -> list[Signal]:
        """Return what to wait for in order to hear from it."""
        return [*self.leases] if self.started else [self.hello]

    def send(self, lease: Lease) -> None:
        """Queue a shard at the actor."""
        if not self.leases:
            self.heard = time.monotonic()
        call = self.actor.render.options(num_returns="streaming").remote(lease.shard)
        self.leases[call] = lease

    def next_outcome(self, call: ObjectRefGenerator) -> Outcome:
        """Return the outcome that is ready.

        Raises:
            WorkerFailed: when there is none, because the process is gone, most likely.
        """
        self.heard = time.monotonic()
        try:
            outcome: Outcome = ray.get(next(call))
        except StopIteration:
            raise WorkerFailed("its call ended before its frames were done", dead=False) from None
        except RayError as error:
            raise WorkerFailed.because(error) from error
        self.useful = self.useful or isinstance(outcome, ChunkDone)
        return outcome

    def greet(self) -> WorkerStarted:
        """Return who it is, now that `hello` is ready.

        Raises:
            WorkerFailed: when it could not start.
        """
        try:
            self.greeting = greeting = ray.get(self.hello)
        except RayError as error:
            raise WorkerFailed.because(error) from error
        return WorkerStarted(worker=self.name, node=greeting.host, device=_device(greeting.node_id))


def _device(node_id: str) -> str:
    """Name a node's accelerator as Ray knows it, without loading torch."""
    resources: dict[str, float] = next(
        (node["Resources"] for node in ray.nodes() if node["NodeID"] == node_id), {}
    )
    kinds = [
        name.removeprefix("accelerator_type:") for name in resources if name.startswith("accelerator_type:")
    ]
    return f"cuda ({kinds[0]})" if kinds else "cuda" if resources.get("GPU") else "cpu"


def _reason(error: RayError) -> str:
    """Say in a line what Ray says in a page."""
    if not isinstance(error, RayActorError):
        return f"{type(error).__name__}: {str(error).strip().splitlines()[-1]}"
    if isinstance(error, ActorUnavailableError):
        return "it cannot be reached"
    text = str(error)
    for sign, meaning in (
        ("node", "its machine left the cluster"),
        ("worker process has died", "its process died (out of memory, or killed)"),
    ):
        if sign in text.partition("The actor is dead because")[2].split(".")[0]:
            return meaning
    return text.strip().splitlines()[-1]
