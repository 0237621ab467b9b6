"""The bookkeeping of a run: which chunks are with which worker, what is tried again, what is given up.

Nothing here renders, waits or knows Ray: an executor reports what happened, and tells the events that follow.
"""

from __future__ import annotations

import dataclasses
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from farm.canonical import digest
from farm.errors import StorageError
from farm.events import ChunkDone, Event, FramesFailed, ShardRetried, WorkerLost
from farm.execute.backlog import Backlog, Work
from farm.execute.health import Health
from farm.execute.outcome import Cause, Failed, Outcome
from farm.execute.policy import Action, Failure, Policy
from farm.execute.recover import committed
from farm.records import Chunk, Shard

Committed = Callable[[Shard, str], Mapping[int, ChunkDone]]


@dataclass(eq=False, slots=True, kw_only=True)
class Lease:
    """A shard in a worker's hands, and the chunks of it that nothing was heard of yet."""

    worker: str
    shard: Shard
    left: deque[Chunk]
    tried: frozenset[str] = frozenset()

    def part(self, chunks: Iterable[Chunk]) -> Work:
        """Return some of its chunks as work of their own."""
        return Work(shard=dataclasses.replace(self.shard, chunks=tuple(chunks)), tried=self.tried)


class Dispatcher:
    """Gives out `shards` one at a time, and pulls the next one only when a worker can take it."""

    def __init__(self, shards: Iterable[Shard], policy: Policy, *, committed: Committed = committed) -> None:
        self._backlog = Backlog(shards)
        self._policy = policy
        self._committed = committed
        self._leases: dict[str, list[Lease]] = {}
        self._refused: dict[str, str] = {}
        self._failed_frames: Counter[str] = Counter()
        self._health = Health()
        self._events: deque[Event] = deque()

    @property
    def finished(self) -> bool:
        """Whether every frame is done or given up."""
        return self._backlog.empty and not any(self._leases.values())

    def events(self) -> Iterator[Event]:
        """Yield and forget what happened since the last call."""
        while self._events:
            yield self._events.popleft()

    # --- workers -----------------------------------------------------------------------------------------

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
                self._fail(lease.part([lease.left.popleft()]), Failed(cause=blame, reason=reason), worker)
                blame = None
            if lease.left:
                returned.append(lease.part(lease.left))
        self._backlog.put_first(returned)

    def forsake(self, worker: str, reason: str) -> None:
        """Count a worker out whose process may still write: its frames are given up, not given out again."""
        self._events.append(WorkerLost(worker=worker, reason=reason))
        for lease in self._leases.pop(worker, []):
            self._give_up(lease.part(lease.left).shard, reason, tried=True)

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
        while (work := self._backlog.next_for(worker, self._leases)) is not None:
            refusal = self._refusal(work.shard)
            if refusal is None:
                lease = Lease(
                    worker=worker, shard=work.shard, left=deque(work.shard.chunks), tried=work.tried
                )
                leases.append(lease)
                return lease
            self._give_up(work.shard, refusal, tried=False)
        return None

    def settle(self, lease: Lease, outcome: Outcome) -> None:
        """Note what became of the next chunk (or chunks) of a lease."""
        if isinstance(outcome, ChunkDone):
            chunk = lease.left.popleft()
            self._health.succeeded(lease.worker, lease.shard.folder)
            self._events.append(outcome)
            if outcome.unusable:
                bad = [frame for frame in chunk.frames if frame.index in outcome.unusable]
                part = lease.part([dataclasses.replace(chunk, frames=tuple(bad))]).shard
                self._give_up(
                    part, "what came is no picture, twice: not all of its values are numbers", tried=True
                )
        else:
            chunks = [lease.left.popleft() for _ in range(outcome.chunks)]
            self._health.failed(lease.worker, lease.shard.folder)
            self._fail(lease.part(chunks), outcome, lease.worker)
        if not lease.left:
            self._leases[lease.worker].remove(lease)

    def abandon(self, reason: str) -> None:
        """Give up all that was not given out: no worker is left."""
        for work in self._backlog.drain():
            self._give_up(work.shard, reason, tried=False)

    # --- inside ------------------------------------------------------------------------------------------

    def _fail(self, work: Work, failed: Failed, worker: str) -> None:
        shard, tried = work.shard, work.tried | {worker}
        action = self._policy.after(
            Failure(
                cause=failed.cause,
                attempt=shard.attempt,
                workers_tried=len(tried & self._leases.keys()),
                workers=len(self._leases),
                frames_per_call=shard.frames_per_call,
            )
        )
        if action is Action.GIVE_UP_RENDERER:
            self._refused[digest(shard.renderer)] = failed.reason
        elif action is Action.GIVE_UP_JOB:
            self._refused[shard.folder] = failed.reason
        if action not in _AGAIN or self._refusal(shard) is not None:
            self._give_up(shard, failed.reason, tried=True)
            return
        again = dataclasses.replace(
            shard,
            attempt=shard.attempt + 1,
            calls_per_chunk=shard.calls_per_chunk * (2 if action is Action.HALVE else 1),
            last_try=shard.last_try or action is Action.LAST_TRY,
        )
        self._backlog.put_back(Work(shard=again, tried=tried))
        self._events.append(
            ShardRetried(
                job=shard.job,
                worker=worker,
                frames=_frames(shard),
                reason=failed.reason,
                attempt=again.attempt,
                frames_per_call=again.frames_per_call if again.calls_per_chunk > 1 else None,
            )
        )

    def _refusal(self, shard: Shard) -> str | None:
        return self._refused.get(shard.folder) or self._refused.get(digest(shard.renderer))

    def _give_up(self, shard: Shard, reason: str, *, tried: bool) -> None:
        attempts = shard.attempt if tried else shard.attempt - 1
        frames = _frames(shard)
        self._events.append(FramesFailed(job=shard.job, frames=frames, reason=reason, attempts=attempts))
        self._failed_frames[shard.folder] += len(frames)
        if self._policy.stops(self._failed_frames[shard.folder]):
            limit = self._policy.max_failed_frames
            self._refused.setdefault(
                shard.folder, f"the job was stopped: more than {limit} frames failed (--max-failed-frames)"
            )

    def _recover(self, lease: Lease) -> None:
        try:
            done = self._committed(lease.part(lease.left).shard, lease.worker)
        except StorageError:
            return  # rendering again is the safe answer, and meets the same error where it counts
        self._events.extend(done[chunk.index] for chunk in lease.left if chunk.index in done)
        lease.left = deque(chunk for chunk in lease.left if chunk.index not in done)


_AGAIN = {Action.RETRY, Action.HALVE, Action.LAST_TRY}


def _frames(shard: Shard) -> tuple[int, ...]:
    return tuple(frame.index for chunk in shard.chunks for frame in chunk.frames)
