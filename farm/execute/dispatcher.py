"""Which worker renders what, and what happens after a failure: the bookkeeping of a run.

An executor reports stimuli (`add_worker`, `record_outcome`, `worker_lost`, ...), requests work (`next_shard`), and
passes on the `events` that follow. Nothing here renders, waits, reads a clock or uses Ray. A chunk is in one state:

    waiting   -> assigned, or cancelled
    assigned  -> done, retrying or failed; waiting if its worker is lost before starting it
    retrying  -> assigned, or cancelled

Chunks are cancelled, without another attempt, once their job or their model is given up. The dispatcher holds only the
chunks that workers hold or have returned, so its memory does not grow with a job.
"""

from __future__ import annotations

import dataclasses
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from farm.errors import StorageError
from farm.events import ChunkDone, ChunkStateChanged, Event, FramesFailed, ShardRetried, WorkerLost
from farm.execute.recovery import committed_chunks
from farm.execute.retry_policy import Action, Cause, Failed, Failure, Outcome, RetryPolicy
from farm.records import Chunk, ChunkState, RendererSpec, Shard

_RENDER_AGAIN = {Action.RETRY, Action.HALVE, Action.LAST_TRY}

CommittedChunks = Callable[[Shard, str], Mapping[int, ChunkDone]]


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuedShard:
    """A shard to render, the workers that have failed on it, and the causes of its failed attempts."""

    shard: Shard
    failed_on: frozenset[str] = frozenset()
    causes: tuple[Cause, ...] = ()


@dataclass(eq=False, slots=True, kw_only=True)
class Assignment:
    """A shard that a worker renders. `remaining` are its chunks without an outcome, in order."""

    worker: str
    queued: QueuedShard
    remaining: deque[Chunk]

    @property
    def shard(self) -> Shard:
        """The shard to render."""
        return self.queued.shard

    def part(self, chunks: Iterable[Chunk]) -> QueuedShard:
        """Return some of its chunks as a separate shard."""
        part = dataclasses.replace(self.shard, chunks=tuple(chunks))
        return dataclasses.replace(self.queued, shard=part)


class Backlog:
    """Shards without a worker: returned ones, and new ones, which are pulled from `shards` one at a time."""

    def __init__(self, shards: Iterable[Shard]) -> None:
        self._new = iter(shards)
        self._exhausted = False
        self._next: QueuedShard | None = None
        self._returned: deque[QueuedShard] = deque()
        self._cannot_load: dict[RendererSpec, frozenset[str]] = {}

    @property
    def empty(self) -> bool:
        """Whether no shard is left, returned or new."""
        return self._exhausted and not self._returned and self._next is None

    def put_last(self, queued: QueuedShard) -> None:
        """Return a shard behind those returned earlier."""
        self._returned.append(queued)

    def put_first(self, shards: Iterable[QueuedShard]) -> None:
        """Return shards ahead of all others, in their order."""
        self._returned.extendleft(reversed([*shards]))

    def exclude(self, worker: str, renderer: RendererSpec) -> None:
        """Remember that a worker cannot load a renderer: another attempt would cost minutes."""
        self._cannot_load[renderer] = self._cannot_load.get(renderer, frozenset()) | {worker}

    def excluded(self, queued: QueuedShard) -> frozenset[str]:
        """Return the workers that have failed on a shard or cannot load its renderer."""
        return queued.failed_on | self._cannot_load.get(queued.shard.renderer, frozenset())

    def next_for(self, worker: str, workers: Collection[str]) -> QueuedShard | None:
        """Return the next shard for a worker, returned ones first; None if all that is left is for other `workers`."""
        for position, queued in enumerate(self._returned):
            if self._may_render(worker, queued, workers):
                del self._returned[position]
                return queued
        new = self._peek()
        return self._pull() if new is not None and self._may_render(worker, new, workers) else None

    def drain(self) -> Iterator[QueuedShard]:
        """Yield all returned shards, then all new ones."""
        while self._returned:
            yield self._returned.popleft()
        while (queued := self._pull()) is not None:
            yield queued

    def _may_render(self, worker: str, queued: QueuedShard, workers: Collection[str]) -> bool:
        excluded = self.excluded(queued)
        return worker not in excluded or excluded.issuperset(workers)

    def _peek(self) -> QueuedShard | None:
        if self._next is None:
            shard = next((shard for shard in self._new if shard.chunks), None)
            self._exhausted = shard is None
            self._next = QueuedShard(shard=shard) if shard is not None else None
        return self._next

    def _pull(self) -> QueuedShard | None:
        queued, self._next = self._peek(), None
        return queued


class RetryHandler:
    """Applies the retry policy to failed shards, and remembers which jobs and renderers are given up."""

    def __init__(self, policy: RetryPolicy, emit: Callable[[Event], None]) -> None:
        self._policy = policy
        self._emit = emit
        self._given_up: dict[str | RendererSpec, str] = {}
        self._failed_frames: Counter[str] = Counter()

    def reason_given_up(self, shard: Shard) -> str | None:
        """Return why the job or the renderer of a shard was given up, or None."""
        return self._given_up.get(shard.folder) or self._given_up.get(shard.renderer)

    def retry(
        self, queued: QueuedShard, failed: Failed, worker: str, *, workers: int, others: int
    ) -> QueuedShard | None:
        """Return the shard to render after a failed attempt, or None if its frames are given up.

        Of `workers` workers, `others` have not failed on this shard.
        """
        shard = queued.shard
        action = self._policy.after(
            Failure(
                cause=failed.cause,
                attempt=queued.causes.count(failed.cause) + 1,
                workers_tried=workers - others,
                workers=workers,
                frames_per_call=shard.frames_per_call,
            )
        )
        if action is Action.GIVE_UP_RENDERER:
            self._given_up[shard.renderer] = failed.reason
        elif action is Action.GIVE_UP_JOB:
            self._given_up[shard.folder] = failed.reason
        if action not in _RENDER_AGAIN or self.reason_given_up(shard) is not None:
            self.give_up(shard, failed.reason, worker=worker, cause=failed.cause)
            return None
        for change in changes(shard, "retrying", worker=worker, cause=failed.cause, reason=failed.reason):
            self._emit(change)
        retried = dataclasses.replace(
            shard,
            attempt=shard.attempt + 1,
            calls_per_chunk=shard.calls_per_chunk * (2 if action is Action.HALVE else 1),
            last_try=shard.last_try or action is Action.LAST_TRY,
        )
        self._emit(
            ShardRetried(
                job=shard.job,
                worker=worker,
                frames=_frames(shard),
                reason=failed.reason,
                attempt=retried.attempt,
                frames_per_call=retried.frames_per_call if retried.calls_per_chunk > 1 else None,
            )
        )
        return dataclasses.replace(queued, shard=retried, causes=(*queued.causes, failed.cause))

    def give_up(self, shard: Shard, reason: str, *, worker: str = "", cause: str = "") -> None:
        """Give up the frames of a shard: after an attempt by `worker`, or without one (empty)."""
        state: ChunkState = "failed" if worker else "cancelled"
        for change in changes(shard, state, worker=worker, cause=cause, reason=reason):
            self._emit(change)
        frames = _frames(shard)
        attempts = shard.attempt if worker else shard.attempt - 1
        self._emit(FramesFailed(job=shard.job, frames=frames, reason=reason, attempts=attempts))
        self._failed_frames[shard.folder] += len(frames)
        if self._policy.stops(self._failed_frames[shard.folder]):
            limit = self._policy.max_failed_frames
            self._given_up.setdefault(
                shard.folder, f"the job was stopped: more than {limit} frames failed (--max-failed-frames)"
            )


class Dispatcher:
    """Hands out `shards` one at a time, pulling the next one only when a worker can take it."""

    def __init__(
        self,
        shards: Iterable[Shard],
        policy: RetryPolicy,
        *,
        committed_chunks: CommittedChunks = committed_chunks,
    ) -> None:
        self._backlog = Backlog(shards)
        self._policy = policy
        self._committed_chunks = committed_chunks
        self._assignments: dict[str, list[Assignment]] = {}
        self._starting: frozenset[str] = frozenset()
        # Failures in a row on chunks that another worker then rendered. Frames that fail everywhere do not count:
        # a job with a bad frame must not cost the farm its workers.
        self._failures_in_a_row: Counter[str] = Counter()
        self._events: deque[Event] = deque()
        self._retries = RetryHandler(policy, self._events.append)

    @property
    def finished(self) -> bool:
        """Whether every frame is done or given up."""
        return self._backlog.empty and not any(self._assignments.values())

    def events(self) -> Iterator[Event]:
        """Yield and forget the events since the last call."""
        while self._events:
            yield self._events.popleft()

    # --- workers -----------------------------------------------------------------------------------------

    def workers_starting(self, workers: Iterable[str]) -> None:
        """Set which workers are starting: failed shards wait for them rather than return to the worker that failed."""
        self._starting = frozenset(workers)

    def add_worker(self, worker: str) -> None:
        """Add a worker that has started."""
        self._assignments.setdefault(worker, [])

    def worker_lost(self, worker: str, reason: str, blame: Cause | None) -> None:
        """Remove a worker whose process is dead, and hand out its unfinished chunks again.

        With a `blame`, the chunk being rendered is the suspect and loses an attempt; the others do not. A quarantined
        worker leaves no blame.
        """
        self._events.append(WorkerLost(worker=worker, reason=reason))
        returned: list[QueuedShard] = []
        for assignment in self._assignments.pop(worker, []):
            self._recover(assignment)
            if assignment.remaining and blame:
                suspect, blame = Failed(cause=blame, reason=reason), None
                self._fail(assignment.part([assignment.remaining.popleft()]), suspect, worker)
            if assignment.remaining:
                rest = assignment.part(assignment.remaining)
                self._events.extend(changes(rest.shard, "waiting", worker=worker, reason=reason))
                returned.append(rest)
        self._backlog.put_first(returned)

    def abandon_worker(self, worker: str, reason: str) -> None:
        """Remove a worker whose process may still write: its frames are given up, not handed out again."""
        self._events.append(WorkerLost(worker=worker, reason=reason))
        for assignment in self._assignments.pop(worker, []):
            self._recover(assignment)
            if assignment.remaining:
                rest = assignment.part(assignment.remaining)
                self._retries.give_up(rest.shard, reason, worker=worker, cause=Cause.HANG)

    def quarantine_reason(self, worker: str) -> str | None:
        """Return why a worker should be quarantined, or None."""
        failures = self._failures_in_a_row[worker]
        if not self._policy.quarantines(failures_in_a_row=failures, workers=len(self._assignments)):
            return None
        return f"quarantined after {failures} failures in a row on chunks that other workers rendered"

    # --- shards ------------------------------------------------------------------------------------------

    def next_shard(self, worker: str) -> Assignment | None:
        """Return the next shard for a worker, or None if it has enough work or nothing is left for it.

        A worker gets its next shard while it renders the last chunk of the previous one, so that it never waits.
        """
        assignments = self._assignments[worker]
        if sum(len(assignment.remaining) for assignment in assignments) > 1:
            return None
        while (queued := self._backlog.next_for(worker, self._workers)) is not None:
            reason = self._retries.reason_given_up(queued.shard)
            if reason is None:
                assignment = Assignment(worker=worker, queued=queued, remaining=deque(queued.shard.chunks))
                assignments.append(assignment)
                self._events.extend(changes(queued.shard, "assigned", worker=worker))
                return assignment
            self._retries.give_up(queued.shard, reason)
        return None

    def record_outcome(self, assignment: Assignment, outcome: Outcome) -> None:
        """Record the outcome of the next chunk, or chunks, of an assignment."""
        if isinstance(outcome, ChunkDone):
            self._record_done(assignment, assignment.remaining.popleft(), outcome)
        else:
            chunks = [assignment.remaining.popleft() for _ in range(outcome.chunks)]
            self._fail(assignment.part(chunks), outcome, assignment.worker)
        if not assignment.remaining:
            self._assignments[assignment.worker].remove(assignment)

    def give_up_rest(self, reason: str) -> None:
        """Give up all shards without a worker: no worker is left."""
        for queued in self._backlog.drain():
            self._retries.give_up(queued.shard, reason)

    # --- internals ---------------------------------------------------------------------------------------

    @property
    def _workers(self) -> frozenset[str]:
        return self._starting.union(self._assignments)

    def _record_done(self, assignment: Assignment, chunk: Chunk, done: ChunkDone) -> None:
        self._count_failures(assignment, done)
        usable = tuple(frame for frame in chunk.frames if frame.index not in done.unusable)
        if usable:
            self._done(assignment, dataclasses.replace(chunk, frames=usable), done)
        else:
            self._events.append(done)
        if done.unusable:
            unusable = tuple(frame for frame in chunk.frames if frame.index in done.unusable)
            self._retries.give_up(
                assignment.part([dataclasses.replace(chunk, frames=unusable)]).shard,
                "the pipeline returned NaN or infinite pixels twice",
                worker=assignment.worker,
                cause=Cause.FLAW,
            )

    def _done(self, assignment: Assignment, chunk: Chunk, done: ChunkDone) -> None:
        self._events.extend(changes(assignment.part([chunk]).shard, "done", worker=assignment.worker))
        self._events.append(done)

    def _fail(self, queued: QueuedShard, failed: Failed, worker: str) -> None:
        if failed.cause is Cause.MODEL:
            self._backlog.exclude(worker, queued.shard.renderer)
        queued = dataclasses.replace(queued, failed_on=queued.failed_on | {worker})
        others = self._workers - self._backlog.excluded(queued)
        retried = self._retries.retry(queued, failed, worker, workers=len(self._workers), others=len(others))
        if retried is not None:
            self._backlog.put_last(retried)

    def _count_failures(self, assignment: Assignment, done: ChunkDone) -> None:
        del self._failures_in_a_row[assignment.worker]
        shard = assignment.shard
        as_planned = (
            shard.calls_per_chunk == 1 and not done.unusable and not any(row.flaw for row in done.rows)
        )
        # A shard that failed as one counts once, with its first chunk.
        is_first = len(assignment.remaining) == len(shard.chunks) - 1
        if as_planned and is_first:
            for worker in assignment.queued.failed_on - {assignment.worker}:
                self._failures_in_a_row[worker] += 1

    def _recover(self, assignment: Assignment) -> None:
        """Record the chunks that a lost worker had committed without reporting them."""
        try:
            done = self._committed_chunks(assignment.part(assignment.remaining).shard, assignment.worker)
        except StorageError:
            return  # rendering again is safe, and reports the same error where it matters
        for chunk in assignment.remaining:
            if chunk.index in done:
                self._done(assignment, chunk, done[chunk.index])
        assignment.remaining = deque(chunk for chunk in assignment.remaining if chunk.index not in done)


def changes(
    shard: Shard, state: ChunkState, *, worker: str = "", cause: str = "", reason: str = ""
) -> Iterator[ChunkStateChanged]:
    """Yield the event that each chunk of a shard enters `state`."""
    for chunk in shard.chunks:
        yield ChunkStateChanged(
            job=shard.job,
            chunk=chunk.index,
            first=chunk.frames[0].index,
            last=chunk.frames[-1].index,
            state=state,
            attempt=shard.attempt,
            worker=worker,
            cause=cause,
            reason=reason,
        )


def _frames(shard: Shard) -> tuple[int, ...]:
    return tuple(frame.index for chunk in shard.chunks for frame in chunk.frames)
