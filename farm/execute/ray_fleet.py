"""The Ray actors of an executor: recruited, waited for, killed."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterable, Iterator

import ray

from farm.execute.ray_actor import start_actor
from farm.execute.ray_member import Member, Signal
from farm.execute.ray_reaper import end_processes
from farm.execute.ray_session import Slots
from farm.execute.warm import OpenRenderer
from farm.records import CacheSpec

_START_SECONDS = 180.0  # a process and its imports, on a loaded machine
_ROOM_SECONDS = 30.0  # a cluster may have no room for it, or only later


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
        if not signals:
            time.sleep(seconds)
            return []
        ready, _ = ray.wait(signals, num_returns=1, timeout=seconds, fetch_local=False)
        if ready:
            ready, _ = ray.wait(signals, num_returns=len(signals), timeout=0, fetch_local=False)
        return [(owners[signal], signal) for signal in ready]
