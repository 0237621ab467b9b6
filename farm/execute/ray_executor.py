"""Rendering on Ray: an actor per GPU or CPU core, each pulling its next shard as it gets ready for it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Self

from farm.errors import ClusterError
from farm.events import Event, WorkersAwaited
from farm.execute.dispatcher import Dispatcher
from farm.execute.policy import Policy
from farm.execute.ray_fleet import Fleet, Member, Signal, WorkerDied
from farm.execute.ray_session import RaySession
from farm.execute.warm import OpenRenderer
from farm.records import Shard
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
        open_renderer: OpenRenderer = open_renderer,
    ) -> None:
        self._workers = workers
        self._address = address
        self._policy = policy or Policy()
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
        self._fleet = Fleet(slots, self._open_renderer)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._fleet is not None:
            for member in self._fleet:
                self._fleet.dismiss(member)
        if self._session is not None:
            self._session.close()

    def run(self, shards: Iterable[Shard]) -> Iterator[Event]:
        """Yield what happens until every frame is done or given up."""
        if self._fleet is None:
            raise ClusterError("The executor is not open; use it in a with statement.")
        run = _Run(
            self._fleet, Dispatcher(shards, self._policy), self._policy.replacements * self.worker_count
        )
        try:
            yield from run.events()
        finally:
            for member in self._fleet:
                if member.leases:  # closed early: nobody waits for what it still renders
                    self._fleet.dismiss(member)


class _Run:
    """One pass over some shards. `spare` is how many actors may still be replaced."""

    def __init__(self, fleet: Fleet, dispatcher: Dispatcher, spare: int) -> None:
        self._fleet = fleet
        self._dispatcher = dispatcher
        self._spare = spare
        self._last_loss = ""
        self._waiting_since = time.monotonic()

    def events(self) -> Iterator[Event]:
        for _ in range(self._fleet.missing):
            self._fleet.recruit()
        for member in self._fleet:
            if member.started:
                self._dispatcher.join(member.name)
                yield member.started
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
            yield from self._impatience()

    def _impatience(self) -> Iterator[Event]:
        """Say now and then that nobody has started yet."""
        waited = time.monotonic() - self._waiting_since
        if waited > _NOTICE_SECONDS and not any(member.started for member in self._fleet):
            self._waiting_since = time.monotonic()
            yield WorkersAwaited(wanted=len(self._fleet), seconds=waited)

    def _hand_out(self) -> None:
        for member in self._fleet:
            while member.started and (lease := self._dispatcher.take(member.name)) is not None:
                member.send(lease)

    def _hear(self, member: Member, signal: Signal) -> Iterator[Event]:
        if member not in self._fleet:
            return  # lost while the others were heard
        try:
            if member.started is None:
                yield member.greet()
                self._dispatcher.join(member.name)
                return
            lease = member.leases[signal]
            outcome = member.next_outcome(signal)
        except WorkerDied as death:
            self._lose(member, str(death), crashed=True)
            return
        self._dispatcher.settle(lease, outcome)
        if not lease.left:
            del member.leases[signal]
        if (reason := self._dispatcher.unfit(member.name)) is not None:
            self._lose(member, reason, crashed=False)

    def _lose(self, member: Member, reason: str, *, crashed: bool) -> None:
        self._last_loss = reason
        self._fleet.dismiss(member)
        self._dispatcher.lose(member.name, reason, crashed=crashed)
        if self._spare:
            self._spare -= 1
            self._fleet.recruit()
