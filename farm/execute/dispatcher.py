"""The bookkeeping of a run: which chunks are with which worker, what is tried again, what is given up.

Nothing here renders, waits or knows Ray: an executor reports what happened, and tells the events that follow.
"""

from __future__ import annotations

import dataclasses
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping

from farm.errors import StorageError
from farm.events import ChunkDone, Event, WorkerLost
from farm.execute.backlog import Backlog, Work
from farm.execute.health import Health
from farm.execute.lease import Lease
from farm.execute.outcome import Cause, Failed, Outcome
from farm.execute.policy import Policy
from farm.execute.recover import committed
from farm.execute.setbacks import Setbacks
from farm.records import Shard

Committed = Callable[[Shard, str], Mapping[int, ChunkDone]]


class Dispatcher:
    """Gives out `shards` one at a time, and pulls the next one only when a worker can take it."""

    def __init__(self, shards: Iterable[Shard], policy: Policy, *, committed: Committed = committed) -> None:
        self._backlog = Backlog(shards)
        self._policy = policy
        self._committed = committed
        self._leases: dict[str, list[Lease]] = {}
        self._expected: frozenset[str] = frozenset()
        self._health = Health()
        self._events: deque[Event] = deque()
        self._setbacks = Setbacks(policy, self._events.append)

    @property
    def finished(self) -> bool:
        """Whether every frame is done or given up."""
        return self._backlog.empty and not any(self._leases.values())

    def events(self) -> Iterator[Event]:
        """Yield and forget what happened since the last call."""
        while self._events:
            yield self._events.popleft()

    # --- workers -----------------------------------------------------------------------------------------

    def expect(self, workers: Iterable[str]) -> None:
        """Note who is on the way: what failed waits for them, rather than go to the same worker again."""
        self._expected = frozenset(workers)

    def join(self, worker: str) -> None:
        """Count a worker in."""
        self._leases.setdefault(worker, [])

    def lose(self, worker: str, reason: str, blame: Cause | None) -> None:
        """Count a worker out, whose process is dead. What it had not finished is given out again.

        With a `blame` the chunk that it was at is held to be the cause and counts one attempt more; the others
        were only there. A worker that was set aside leaves no blame.
        """
        self._events.append(WorkerLost(worker=worker, reason=reason))
        returned: list[Work] = []
        for lease in self._leases.pop(worker, []):
            self._recover(lease)
            if lease.left and blame:
                suspect, blame = Failed(cause=blame, reason=reason), None
                self._fail(lease.part([lease.left.popleft()]), suspect, worker)
            if lease.left:
                returned.append(lease.part(lease.left))
        self._backlog.put_first(returned)

    def forsake(self, worker: str, reason: str) -> None:
        """Count a worker out whose process may still write: its frames are given up, not given out again."""
        self._events.append(WorkerLost(worker=worker, reason=reason))
        for lease in self._leases.pop(worker, []):
            self._recover(lease)
            if lease.left:
                self._setbacks.give_up(lease.part(lease.left).shard, reason)

    def unfit(self, worker: str) -> str | None:
        """Return why the worker should be set aside, if it should."""
        failures = self._health.failures_in_a_row(worker)
        sets_aside = self._policy.sets_aside(failures_in_a_row=failures, workers=len(self._leases))
        return f"set aside after {failures} failures in a row that others made good" if sets_aside else None

    # --- shards ------------------------------------------------------------------------------------------

    def take(self, worker: str) -> Lease | None:
        """Return the next shard for the worker, or None while it has enough or there is none for it.

        A worker asks for more when one chunk is left to it, so that it never waits for the driver.
        """
        leases = self._leases[worker]
        if sum(len(lease.left) for lease in leases) > 1:
            return None
        while (work := self._backlog.next_for(worker, self._workers)) is not None:
            refusal = self._setbacks.refusal(work.shard)
            if refusal is None:
                lease = Lease(worker=worker, work=work, left=deque(work.shard.chunks))
                leases.append(lease)
                return lease
            self._setbacks.give_up(work.shard, refusal, tried=False)
        return None

    def settle(self, lease: Lease, outcome: Outcome) -> None:
        """Note what became of the next chunk (or chunks) of a lease."""
        if isinstance(outcome, ChunkDone):
            chunk = lease.left.popleft()
            self._note_health(lease, outcome)
            self._events.append(outcome)
            if outcome.unusable:
                bad = tuple(frame for frame in chunk.frames if frame.index in outcome.unusable)
                self._setbacks.give_up(
                    lease.part([dataclasses.replace(chunk, frames=bad)]).shard,
                    "what came is no picture, twice: not all of its values are numbers",
                )
        else:
            chunks = [lease.left.popleft() for _ in range(outcome.chunks)]
            self._fail(lease.part(chunks), outcome, lease.worker)
        if not lease.left:
            self._leases[lease.worker].remove(lease)

    def abandon(self, reason: str) -> None:
        """Give up all that was not given out: no worker is left."""
        for work in self._backlog.drain():
            self._setbacks.give_up(work.shard, reason, tried=False)

    # --- inside ------------------------------------------------------------------------------------------

    @property
    def _workers(self) -> frozenset[str]:
        return self._expected.union(self._leases)

    def _fail(self, work: Work, failed: Failed, worker: str) -> None:
        if failed.cause is Cause.MODEL:
            self._backlog.exclude(worker, work.shard.renderer)
        work = dataclasses.replace(work, tried=work.tried | {worker})
        others = self._workers - self._backlog.tried(work)
        again = self._setbacks.again(work, failed, worker, workers=len(self._workers), others=len(others))
        if again is not None:
            self._backlog.put_back(again)

    def _note_health(self, lease: Lease, done: ChunkDone) -> None:
        self._health.succeeded(lease.worker)
        as_wanted = (
            lease.shard.calls_per_chunk == 1 and not done.unusable and not any(row.flaw for row in done.rows)
        )
        is_first = (
            len(lease.left) == len(lease.shard.chunks) - 1
        )  # a shard that failed as a whole counts once
        if as_wanted and is_first:
            for worker in lease.work.tried - {lease.worker}:
                self._health.outdone(worker)

    def _recover(self, lease: Lease) -> None:
        try:
            done = self._committed(lease.part(lease.left).shard, lease.worker)
        except StorageError:
            return  # rendering again is the safe answer, and meets the same error where it counts
        self._events.extend(done[chunk.index] for chunk in lease.left if chunk.index in done)
        lease.left = deque(chunk for chunk in lease.left if chunk.index not in done)
