"""The bookkeeping of a run: which chunks are with which worker, what is tried again, what is given up.

Nothing here renders, waits or knows Ray: an executor reports what happened, and tells the events that follow.
"""

from __future__ import annotations

import dataclasses
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from farm.canonical import digest
from farm.errors import StorageError
from farm.events import ChunkDone, Event, FramesFailed, ShardRetried, WorkerLost
from farm.execute.health import Health
from farm.execute.outcome import Cause, Failed, Outcome
from farm.execute.policy import Action, Policy
from farm.execute.recover import committed
from farm.records import Chunk, Shard

Committed = Callable[[Shard, str], Mapping[int, ChunkDone]]


@dataclass(eq=False, slots=True, kw_only=True)
class Lease:
    """A shard in a worker's hands, and the chunks of it that nothing was heard of yet."""

    worker: str
    shard: Shard
    left: deque[Chunk]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Returned:
    """A shard to give out again, but not to `failed_on` as long as there is another worker."""

    shard: Shard
    failed_on: str | None


class Dispatcher:
    """Gives out `shards` one at a time, and pulls the next one only when a worker can take it."""

    def __init__(self, shards: Iterable[Shard], policy: Policy, *, committed: Committed = committed) -> None:
        self._fresh = iter(shards)
        self._exhausted = False
        self._policy = policy
        self._committed = committed
        self._returned: deque[_Returned] = deque()
        self._leases: dict[str, list[Lease]] = {}
        self._refused: dict[str, str] = {}
        self._health = Health()
        self._events: deque[Event] = deque()

    @property
    def finished(self) -> bool:
        """Whether every frame is done or given up."""
        return self._exhausted and not self._returned and not any(self._leases.values())

    def events(self) -> Iterator[Event]:
        """Yield and forget what happened since the last call."""
        while self._events:
            yield self._events.popleft()

    # --- workers -----------------------------------------------------------------------------------------

    def join(self, worker: str) -> None:
        """Count a worker in."""
        self._leases.setdefault(worker, [])

    def lose(self, worker: str, reason: str, *, crashed: bool) -> None:
        """Count a worker out. What it had not finished is given out again.

        If it `crashed`, the chunk that it was at is held to be the cause and counts one attempt more; the
        others were only there. A worker that was set aside leaves no blame.
        """
        self._events.append(WorkerLost(worker=worker, reason=reason))
        returned: list[_Returned] = []
        for lease in self._leases.pop(worker, []):
            self._recover(lease)
            if lease.left and crashed:
                crashed = False
                suspect = _part(lease.shard, [lease.left.popleft()])
                self._failed(suspect, Failed(cause=Cause.CRASH, reason=reason), worker)
            if lease.left:
                returned.append(_Returned(shard=_part(lease.shard, lease.left), failed_on=None))
        self._returned.extendleft(reversed(returned))

    def unfit(self, worker: str) -> str | None:
        """Return why the worker should be set aside, if it should."""
        failures = self._health.failures_in_a_row(worker)
        sets_aside = self._policy.sets_aside(
            failures_in_a_row=failures,
            contradicted=self._health.contradicted(worker),
            workers=len(self._leases),
        )
        return f"set aside after {failures} failures in a row while others succeeded" if sets_aside else None

    # --- shards ------------------------------------------------------------------------------------------

    def take(self, worker: str) -> Lease | None:
        """Return the next shard for the worker, or None while it has enough or there is none for it.

        A worker asks for more when one chunk is left to it, so that it never waits for the driver.
        """
        leases = self._leases[worker]
        if sum(len(lease.left) for lease in leases) > 1:
            return None
        shard = self._next(worker)
        if shard is None:
            return None
        lease = Lease(worker=worker, shard=shard, left=deque(shard.chunks))
        leases.append(lease)
        return lease

    def settle(self, lease: Lease, outcome: Outcome) -> None:
        """Note what became of the next chunk (or chunks) of a lease."""
        if isinstance(outcome, ChunkDone):
            lease.left.popleft()
            self._health.succeeded(lease.worker, lease.shard.folder)
            self._events.append(outcome)
        else:
            chunks = [lease.left.popleft() for _ in range(outcome.chunks)]
            self._health.failed(lease.worker, lease.shard.folder)
            self._failed(_part(lease.shard, chunks), outcome, lease.worker)
        if not lease.left:
            self._leases[lease.worker].remove(lease)

    def abandon(self, reason: str) -> None:
        """Give up all that was not given out: no worker is left."""
        while self._returned:
            self._give_up(self._returned.popleft().shard, reason, tried=False)
        while (shard := self._pull()) is not None:
            self._give_up(shard, reason, tried=False)

    # --- inside ------------------------------------------------------------------------------------------

    def _next(self, worker: str) -> Shard | None:
        while (shard := self._next_returned(worker) or self._pull()) is not None:
            refusal = self._refusal(shard)
            if refusal is None:
                return shard
            self._give_up(shard, refusal, tried=False)
        return None

    def _next_returned(self, worker: str) -> Shard | None:
        alone = len(self._leases) == 1
        for position, returned in enumerate(self._returned):
            if alone or returned.failed_on != worker:
                del self._returned[position]
                return returned.shard
        return None

    def _pull(self) -> Shard | None:
        shard = next((shard for shard in self._fresh if shard.chunks), None)
        self._exhausted = shard is None
        return shard

    def _failed(self, shard: Shard, failed: Failed, worker: str) -> None:
        action = self._policy.after(failed.cause, shard.attempt)
        if action is Action.GIVE_UP_RENDERER:
            self._refused[digest(shard.renderer)] = failed.reason
        elif action is Action.GIVE_UP_JOB:
            self._refused[shard.folder] = failed.reason
        if action is not Action.RETRY or self._refusal(shard) is not None:
            self._give_up(shard, failed.reason, tried=True)
            return
        again = dataclasses.replace(shard, attempt=shard.attempt + 1)
        self._returned.append(_Returned(shard=again, failed_on=worker))
        self._events.append(
            ShardRetried(
                job=shard.job,
                worker=worker,
                frames=_frames(shard),
                reason=failed.reason,
                attempt=again.attempt,
            )
        )

    def _refusal(self, shard: Shard) -> str | None:
        return self._refused.get(shard.folder) or self._refused.get(digest(shard.renderer))

    def _give_up(self, shard: Shard, reason: str, *, tried: bool) -> None:
        attempts = shard.attempt if tried else shard.attempt - 1
        self._events.append(
            FramesFailed(job=shard.job, frames=_frames(shard), reason=reason, attempts=attempts)
        )

    def _recover(self, lease: Lease) -> None:
        try:
            done = self._committed(_part(lease.shard, lease.left), lease.worker)
        except StorageError:
            return  # rendering again is the safe answer, and meets the same error where it counts
        self._events.extend(done[chunk.index] for chunk in lease.left if chunk.index in done)
        lease.left = deque(chunk for chunk in lease.left if chunk.index not in done)


def _part(shard: Shard, chunks: Iterable[Chunk]) -> Shard:
    return dataclasses.replace(shard, chunks=tuple(chunks))


def _frames(shard: Shard) -> tuple[int, ...]:
    return tuple(frame.index for chunk in shard.chunks for frame in chunk.frames)
