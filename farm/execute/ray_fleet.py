"""The Ray actors of an executor: started, heard, replaced, killed."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import ray
from ray import ObjectRef, ObjectRefGenerator
from ray.actor import ActorHandle
from ray.exceptions import RayActorError, RayError

from farm.events import WorkerStarted
from farm.execute.dispatcher import Lease
from farm.execute.outcome import Outcome
from farm.execute.ray_actor import start_actor
from farm.execute.ray_session import Slots
from farm.execute.warm import OpenRenderer

Signal: TypeAlias = Any
"""What `ray.wait` takes: an ObjectRef, or the ObjectRefGenerator of a call."""


class WorkerDied(Exception):
    """A worker's process is gone; the text says why."""


@dataclass(eq=False, slots=True, kw_only=True)
class Member:
    """An actor. It is up once `started` is known; `leases` are the calls that it works on, oldest first."""

    name: str
    actor: ActorHandle
    hello: ObjectRef
    started: WorkerStarted | None = None
    leases: dict[ObjectRefGenerator, Lease] = field(default_factory=dict)

    def signals(self) -> list[Signal]:
        """Return what to wait for in order to hear from it."""
        return [*self.leases] if self.started else [self.hello]

    def send(self, lease: Lease) -> None:
        """Queue a shard at the actor."""
        call = self.actor.render.options(num_returns="streaming").remote(lease.shard)
        self.leases[call] = lease

    def next_outcome(self, call: ObjectRefGenerator) -> Outcome:
        """Return the outcome that is ready.

        Raises:
            WorkerDied: when there is none because the process is gone.
        """
        try:
            outcome: Outcome = ray.get(next(call))
        except StopIteration:
            raise WorkerDied("its call ended before its frames were done") from None
        except RayError as error:
            raise WorkerDied(_reason(error)) from error
        return outcome

    def greet(self) -> WorkerStarted:
        """Return who it is, now that `hello` is ready.

        Raises:
            WorkerDied: when it could not start.
        """
        try:
            node, node_id = ray.get(self.hello)
        except RayError as error:
            raise WorkerDied(_reason(error)) from error
        self.started = WorkerStarted(worker=self.name, node=node, device=_device(node_id))
        return self.started


class Fleet:
    """Up to `slots.count` actors."""

    def __init__(self, slots: Slots, open_renderer: OpenRenderer) -> None:
        self._slots = slots
        self._open_renderer = open_renderer
        self._numbers = itertools.count(1)
        self._members: list[Member] = []

    def __iter__(self) -> Iterator[Member]:
        return iter(tuple(self._members))

    def __len__(self) -> int:
        return len(self._members)

    @property
    def missing(self) -> int:
        """How many slots have no actor."""
        return self._slots.count - len(self._members)

    def recruit(self) -> None:
        """Start one actor. Names are never used twice, so a ledger row tells which process wrote it."""
        name = f"worker-{next(self._numbers)}"
        actor = start_actor(name, gpu=self._slots.gpu, open_renderer=self._open_renderer)
        self._members.append(Member(name=name, actor=actor, hello=actor.hello.remote()))

    def dismiss(self, member: Member) -> None:
        """Kill an actor, wherever it is."""
        self._members.remove(member)
        ray.kill(member.actor, no_restart=True)

    def wait(self, seconds: float) -> list[tuple[Member, Signal]]:
        """Return who has something to say, after at most `seconds`."""
        owners = {signal: member for member in self for signal in member.signals()}
        signals = list(owners)
        ready, _ = ray.wait(signals, num_returns=1, timeout=seconds, fetch_local=False)
        if ready:
            ready, _ = ray.wait(signals, num_returns=len(signals), timeout=0, fetch_local=False)
        return [(owners[signal], signal) for signal in ready]


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
    text = str(error)
    for sign, meaning in (
        ("node", "its machine left the cluster"),
        ("worker process has died", "its process died (out of memory, or killed)"),
    ):
        if sign in text.partition("The actor is dead because")[2].split(".")[0]:
            return meaning
    return text.strip().splitlines()[-1]
