"""Rendering on Ray: an actor per GPU or CPU core, each pulling its next shard as it gets ready for it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Self

from farm.errors import ClusterError
from farm.events import Event, WorkersAwaited
from farm.execute.dispatcher import Dispatcher
from farm.execute.outcome import Cause
from farm.execute.policy import Policy
from farm.execute.ray_fleet import Fleet
from farm.execute.ray_member import Member, Signal, WorkerFailed
from farm.execute.ray_session import RaySession
from farm.execute.warm import OpenRenderer
from farm.records import CacheSpec, Shard
from farm.render import open_renderer

_PATIENCE_SECONDS = 0.5  # the longest that Ctrl-C waits to be seen
_NOTICE_SECONDS = 30.0


class RayExecutor:
    """`workers` actors (None: one per GPU, else per CPU core) on the cluster at `address`.

    Without an address (nor RAY_ADDRESS) a quiet Ray is started on this machine, and stopped in the end.
    """

    def __init__(
        self,
        *,
        workers: int | None = None,
        address: str | None = None,
        policy: Policy | None = None,
        cache: CacheSpec | None = None,
        open_renderer: OpenRenderer = open_renderer,
    ) -> None:
        self._workers = workers
        self._address = address
        self._policy = policy or Policy()
        self._cache = cache
        self._open_renderer = open_renderer
        self._session: RaySession | None = None
        self._fleet: Fleet | None = None
        self.worker_count = 0

    def __enter__(self) -> Self:
        """Reach Ray.

        Raises:
            UsageError: when more workers are wanted than there is room for.
            ClusterError: when Ray cannot be started or reached.
        """
        self._session = RaySession(address=self._address, workers=self._workers)
        try:
            slots = self._session.slots(self._workers)
        except BaseException:
            self._session.close()
            raise
        self.worker_count = slots.count
        self._fleet = Fleet(slots, self._open_renderer, self._cache)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._fleet is not None:
            self._fleet.disband()
        if self._session is not None:
            self._session.close()

    def run(self, shards: Iterable[Shard]) -> Iterator[Event]:
        """Yield what happens until every frame is done or given up."""
        if self._fleet is None:
            raise ClusterError("The executor is not open; use it in a with statement.")
        run = _Run(self._fleet, Dispatcher(shards, self._policy), self._policy)
        try:
            yield from run.events()
        finally:
            # Closed early: nobody waits for what these still render.
            self._fleet.dismiss(member for member in self._fleet if member.leases)


class _Run:
    """One pass over some shards; some actors may be replaced in it."""

    def __init__(self, fleet: Fleet, dispatcher: Dispatcher, policy: Policy) -> None:
        self._fleet = fleet
        self._dispatcher = dispatcher
        self._timeout = policy.chunk_timeout
        self._spare = policy.replacements * (len(fleet) + fleet.missing)
        self._last_loss = ""
        self._waiting_since = time.monotonic()

    def events(self) -> Iterator[Event]:
        for _ in range(self._fleet.missing):
            self._fleet.recruit()
        for member in self._fleet:
            if member.started:
                yield member.greet()
                self._dispatcher.join(member.name)
        while True:
            self._hand_out()
            yield from self._dispatcher.events()
            if self._dispatcher.finished:
                return
            if not len(self._fleet):
                self._dispatcher.abandon(f"no worker is left; the last one: {self._last_loss}")
                continue
            for member, signal in self._fleet.wait(_PATIENCE_SECONDS):
                yield from self._hear(member, signal)
            for member in self._fleet.silent(self._timeout):
                of = "its chunk" if member.started else "its start"
                reason = f"nothing was heard of {of} for {self._timeout:g} s; it was killed"
                self._end(member, reason, Cause.HANG, dead=False)
            yield from self._impatience()

    def _impatience(self) -> Iterator[Event]:
        """Say now and then that nobody has started yet."""
        waited = time.monotonic() - self._waiting_since
        if waited > _NOTICE_SECONDS and not any(member.started for member in self._fleet):
            self._waiting_since = time.monotonic()
            if not self._fleet.has_machines:
                raise ClusterError(
                    "Ray has no machine left; finished frames are kept. Start it again, and run the same command."
                )
            yield WorkersAwaited(wanted=len(self._fleet), seconds=waited)

    def _hand_out(self) -> None:
        self._dispatcher.expect(self._fleet.on_the_way())
        for member in self._fleet:
            while member.started and (lease := self._dispatcher.take(member.name)) is not None:
                member.send(lease)

    def _hear(self, member: Member, signal: Signal) -> Iterator[Event]:
        if member not in self._fleet:
            return  # lost while the others were heard
        try:
            if not member.started:
                yield member.greet()
                self._dispatcher.join(member.name)
                return
            lease = member.leases[signal]
            outcome = member.next_outcome(signal)
        except WorkerFailed as failure:
            self._end(member, str(failure), Cause.CRASH, dead=failure.dead)
            return
        self._dispatcher.settle(lease, outcome)
        if not lease.left:
            del member.leases[signal]
        for other in self._fleet:
            if (reason := self._dispatcher.unfit(other.name)) is not None:
                self._end(other, reason, None, dead=False)

    def _end(self, member: Member, reason: str, blame: Cause | None, *, dead: bool) -> None:
        """Do without a worker. Its frames are given out again once its process is `dead` for certain."""
        if dead:
            self._fleet.forget(member)
        else:
            [dead] = self._fleet.dismiss([member])
        if dead:
            self._dispatcher.lose(member.name, reason, blame)
        else:
            self._dispatcher.forsake(member.name, f"{reason}, but its process does not end")
        self._last_loss = reason
        if member.useful:  # a machine that is taken away now and then is no reason to stop
            self._fleet.recruit()
        elif self._spare:
            self._spare -= 1
            self._fleet.recruit()
