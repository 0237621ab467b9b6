"""Renders jobs on one executor: a single one, or a night of them that share its warm workers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from farm.errors import FarmError, Interrupted, UsageError
from farm.events import ChunkDone, Event, FramesFailed, JobFinished, WorkerStarted
from farm.execute import Executor
from farm.records import Shard
from farm.reduce import Summary
from farm.run.job import JobRun
from farm.run.prepare import Job

Tell = Callable[[Event], None]

_SHARDS_PER_WORKER = 8
"""How many shards a worker gets of a job, about: enough for the last ones to end together."""
_MOST_CHUNKS = 8


def render(
    jobs: Sequence[Job], executor: Executor, tell: Tell, *, chunks_per_shard: int | None = None
) -> tuple[Summary, ...]:
    """Render all jobs and return their summaries, in the same order.

    Shards of a job are asked for as workers become free, the next job's when those of the one before are given
    out, so that no worker waits for the end of a job. A job is assembled while others still render. Whatever
    ends one job does not end the others; Ctrl-C ends all, and keeps what is finished.

    Raises:
        UsageError: when two jobs write to one folder.
        ClusterError: when no worker can be started.
    """
    return _Night(jobs, tell).render(executor, chunks_per_shard)


class _Night:
    def __init__(self, jobs: Sequence[Job], tell: Tell) -> None:
        self._runs = {job.plan.name: JobRun(job) for job in jobs}
        if len(self._runs) < len(jobs):
            names = [job.plan.name for job in jobs]
            twice = sorted({name for name in names if names.count(name) > 1})
            raise UsageError(
                f"{', '.join(twice)}: two manifests have this name; names must differ in one run."
            )
        self._tell = tell
        self._finishing: dict[str, Future[Summary]] = {}
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="finish")

    def render(self, executor: Executor, chunks_per_shard: int | None) -> tuple[Summary, ...]:
        events = executor.run(self._shards(executor.worker_count, chunks_per_shard))
        interrupted: Interrupted | None = None
        with self._pool:
            try:
                for event in events:
                    self._take(event)
            except KeyboardInterrupt:
                interrupted = Interrupted(
                    "interrupted; the finished frames are kept, the same command goes on."
                )
                events.close()  # type: ignore[attr-defined]  # executors' runs are generators
            return tuple(self._summary(run, interrupted) for run in self._runs.values())

    def _shards(self, workers: int, chunks_per_shard: int | None) -> Iterator[Shard]:
        for run in self._runs.values():
            try:
                self._tell(run.start())
            except FarmError as error:
                self._finishing[run.job.plan.name] = self._pool.submit(run.stop, error)
                continue
            fair = run.job.plan.chunk_count // (workers * _SHARDS_PER_WORKER)
            yield from run.shards(chunks_per_shard or min(_MOST_CHUNKS, max(1, fair)))
            self._finish_if_accounted(run)

    def _take(self, event: Event) -> None:
        self._tell(event)
        if isinstance(event, WorkerStarted):
            for run in self._runs.values():
                run.tally.meet(event)
        elif isinstance(event, (ChunkDone, FramesFailed)):
            run = self._runs[event.job]
            run.take(event)
            self._finish_if_accounted(run)

    def _finish_if_accounted(self, run: JobRun) -> None:
        name = run.job.plan.name
        if run.accounted and name not in self._finishing:
            self._finishing[name] = self._pool.submit(run.finish)

    def _summary(self, run: JobRun, interrupted: Interrupted | None) -> Summary:
        name = run.job.plan.name
        finishing = self._finishing.get(name)
        try:
            if finishing is not None:
                summary = finishing.result()
            elif interrupted is not None:
                summary = run.stop(interrupted)
            else:
                summary = run.finish()
        except FarmError as error:
            summary = run.stop(error)
        self._tell(JobFinished(job=name, state=summary.state))
        return summary
