"""The Ray actors of an executor: started, heard, replaced, killed."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import ray
from ray import ObjectRef, ObjectRefGenerator
from ray.actor import ActorHandle
from ray.exceptions import ActorDiedError, ActorUnavailableError, RayActorError, RayError

from farm.events import ChunkDone, WorkerStarted
from farm.execute.dispatcher import Lease
from farm.execute.outcome import Outcome
from farm.execute.ray_actor import Greeting, start_actor
from farm.execute.ray_reaper import end_processes
from farm.execute.ray_session import Slots
from farm.execute.warm import OpenRenderer
from farm.records import CacheSpec

Signal: TypeAlias = Any
"""What `ray.wait` takes: an ObjectRef, or the ObjectRefGenerator of a call."""


_START_SECONDS = 180.0  # a process and its imports, on a loaded machine
_ROOM_SECONDS = 30.0  # a cluster may have no room for it, or only later


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


class Fleet:
    """Up to `slots.count` actors."""

    def __init__(self, slots: Slots, open_renderer: OpenRenderer, cache: CacheSpec | None) -> None:
        self._slots = slots
        self._open_renderer = open_renderer
        self._cache = cache
        self._numbers = itertools.count(1)
        self._members: list[Member] = []

    def __iter__(self) -> Iterator[Member]:
        return iter(tuple(self._members))

    def __len__(self) -> int:
        return len(self._members)

    def silent(self, seconds: float) -> list[Member]:
        """Return who should have said something in the last `seconds`, and has not.

        What they said while the driver was busy elsewhere counts, and so does that they have no room to start.
        """
        silent = [
            member for member in self if member.silence() > seconds and (member.started or self._slots.there)
        ]
        heard = [member for member, _ in self.wait(0)] if silent else []
        return [member for member in silent if member not in heard]

    def on_the_way(self) -> list[str]:
        """Return who has not started yet, but will: soon, where there was room when the fleet was made."""
        patience = _START_SECONDS if self._slots.there else _ROOM_SECONDS
        since = time.monotonic() - patience
        return [member.name for member in self if not member.started and member.recruited > since]

    @property
    def missing(self) -> int:
        """How many slots have no actor."""
        return self._slots.count - len(self._members)

    @property
    def has_machines(self) -> bool:
        """Whether any machine of Ray's is alive."""
        return any(node["Alive"] for node in ray.nodes())

    def recruit(self) -> None:
        """Start one actor. Names are never used twice, so a ledger row tells which process wrote it."""
        name = f"worker-{next(self._numbers)}"
        actor = start_actor(name, gpu=self._slots.gpu, open_renderer=self._open_renderer, cache=self._cache)
        self._members.append(
            Member(name=name, actor=actor, hello=actor.hello.remote(), recruited=time.monotonic())
        )

    def dismiss(self, members: Iterable[Member]) -> list[bool]:
        """Kill actors, wherever they are, and tell of each whether its process is dead."""
        gone = list(members)
        for member in gone:
            self._members.remove(member)
            ray.kill(member.actor, no_restart=True)
        dead = iter(end_processes([member.greeting for member in gone if member.greeting]))
        return [next(dead) if member.greeting else True for member in gone]

    def forget(self, member: Member) -> None:
        """Count out an actor whose process is dead."""
        self._members.remove(member)

    def disband(self) -> None:
        """Kill all actors, which have no work, without waiting for their end."""
        while self._members:
            ray.kill(self._members.pop().actor, no_restart=True)

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
