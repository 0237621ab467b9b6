"""One pass of a fleet of actors over some shards."""

from __future__ import annotations

import time
from collections.abc import Iterator

from farm.errors import ClusterError
from farm.events import Event, WorkersAwaited
from farm.execute.dispatcher import Dispatcher
from farm.execute.outcome import Cause
from farm.execute.policy import Policy
from farm.execute.ray_fleet import Fleet
from farm.execute.ray_member import Member, Signal, WorkerFailed

_PATIENCE_SECONDS = 0.5  # the longest that Ctrl-C waits to be seen
_NOTICE_SECONDS = 30.0


class RayRun:
    """Has the fleet do what the dispatcher gives out; some actors may be replaced meanwhile."""

    def __init__(self, fleet: Fleet, dispatcher: Dispatcher, policy: Policy) -> None:
        self._fleet = fleet
        self._dispatcher = dispatcher
        self._timeout = policy.chunk_timeout
        self._spare = policy.replacements * (len(fleet) + fleet.missing)
        self._last_loss = ""
        self._waiting_since = time.monotonic()

    def events(self) -> Iterator[Event]:
        """Yield what happens until every frame is done or given up.

        Raises:
            ClusterError: when Ray has no machine left.
        """
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
