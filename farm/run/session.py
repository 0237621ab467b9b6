"""Renders jobs on one executor: a single one, or a night of them that share its warm workers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from farm.errors import FarmError, Interrupted, UsageError, as_farm_error
from farm.events import ChunkDone, ChunkStateChanged, Event, FramesFailed, JobFinished, WorkerStarted
from farm.execute import Executor
from farm.records import Shard
from farm.reduce import Summary
from farm.run.job_run import JobRun
from farm.run.pilot import paced
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
        self._summaries: dict[str, Summary] = {}
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="finish")

    def render(self, executor: Executor, chunks_per_shard: int | None) -> tuple[Summary, ...]:
        events = executor.run(self._shards(executor, chunks_per_shard))
        with self._pool:
            try:
                self._pace(executor)
                for event in events:
                    self._take(event)
                return tuple(self._summary(run) for run in self._runs.values())
            except KeyboardInterrupt:
                self._end(Interrupted("interrupted; the finished frames are kept, the same command goes on."))
            except BaseException as error:
                self._end(as_farm_error(error))
            finally:
                events.close()  # type: ignore[attr-defined]  # executors' runs are generators
            return tuple(self._summary(run) for run in self._runs.values())

    def _end(self, error: FarmError) -> None:
        """End every job that is not done yet, also those that are being assembled."""
        for run in self._runs.values():
            run.cancel(error)
        for run in self._runs.values():
            run.end(error)

    def _pace(self, executor: Executor) -> None:
        """Have pilots choose the alphas that are to be chosen; what ends a pilot ends its job and no other."""
        for name, run in self._runs.items():
            try:
                self._runs[name] = JobRun(paced(run.job, executor, self._tell))
            except BaseException as error:
                self._stop(run, error)

    def _shards(self, executor: Executor, chunks_per_shard: int | None) -> Iterator[Shard]:
        for run in self._runs.values():
            if run.job.plan.name in self._finishing:
                continue
            try:
                self._tell(run.start(executor.background))
                fair = run.job.plan.chunk_count // (executor.worker_count * _SHARDS_PER_WORKER)
                yield from run.shards(chunks_per_shard or min(_MOST_CHUNKS, max(1, fair)))
            except BaseException as error:
                self._stop(run, error)
            else:
                self._finish_if_accounted(run)

    def _stop(self, run: JobRun, error: BaseException) -> None:
        """Have a job that cannot be rendered any further stop, and no other; KeyboardInterrupt is for all of them."""
        told = as_farm_error(error)
        run.cancel(told)
        self._finishing[run.job.plan.name] = self._pool.submit(run.stop, told)

    def _take(self, event: Event) -> None:
        self._tell(event)
        if isinstance(event, WorkerStarted):
            for run in self._runs.values():
                run.books.tally.meet(event)
        elif isinstance(event, ChunkStateChanged):
            self._runs[event.job].record(event)
        elif isinstance(event, (ChunkDone, FramesFailed)) and event.job not in self._finishing:
            # Of one that was stopped, what its workers still had in hand is in its ledger.
            run = self._runs[event.job]
            try:
                run.take(event)
                self._finish_if_accounted(run)
            except BaseException as error:
                self._stop(run, error)
        for name, finishing in self._finishing.items():
            if finishing.done():
                self._summary(self._runs[name])

    def _finish_if_accounted(self, run: JobRun) -> None:
        name = run.job.plan.name
        if run.books.complete and name not in self._finishing:
            self._finishing[name] = self._pool.submit(run.finish)

    def _summary(self, run: JobRun) -> Summary:
        name = run.job.plan.name
        if name not in self._summaries:
            finishing = self._finishing.get(name)
            try:
                self._summaries[name] = finishing.result() if finishing else run.finish()
            except BaseException as error:
                self._summaries[name] = run.stop(as_farm_error(error))
            self._tell(JobFinished(job=name, state=self._summaries[name].state))
        return self._summaries[name]
