"""Render one or more jobs on one executor, which keeps its workers warm between jobs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from farm.errors import FarmError, Interrupted, UsageError, as_farm_error
from farm.events import (
    ChunkDone,
    ChunkStateChanged,
    Event,
    EventHandler,
    FramesFailed,
    JobFinished,
    WorkerStarted,
)
from farm.execute import Executor
from farm.records import Shard
from farm.reduce import Summary
from farm.run.job_run import JobRun
from farm.run.pilot import paced
from farm.run.prepare import Job

_SHARDS_PER_WORKER = 8
"""Approximate number of shards per worker and job: enough for all workers to finish at about the same time."""
_MAX_CHUNKS_PER_SHARD = 8


def render(
    jobs: Sequence[Job], executor: Executor, on_event: EventHandler, *, chunks_per_shard: int | None = None
) -> tuple[Summary, ...]:
    """Render all jobs and return their summaries, in the same order.

    Workers request shards as they become free, and continue with the next job without waiting for the end of the
    previous one. A job is assembled while others still render. An error ends only its own job; Ctrl-C ends all jobs
    and keeps finished frames.

    Raises:
        UsageError: if two jobs write to one folder.
        ClusterError: if no worker can be started.
    """
    return _Session(jobs, on_event).render(executor, chunks_per_shard)


class _Session:
    def __init__(self, jobs: Sequence[Job], on_event: EventHandler) -> None:
        self._runs = {job.plan.name: JobRun(job) for job in jobs}
        if len(self._runs) < len(jobs):
            names = [job.plan.name for job in jobs]
            duplicates = sorted({name for name in names if names.count(name) > 1})
            raise UsageError(
                f"{', '.join(duplicates)}: two manifests have this name; needed: a unique name for each job of a run."
            )
        self._on_event = on_event
        self._finishing: dict[str, Future[Summary]] = {}
        self._summaries: dict[str, Summary] = {}
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="finish")

    def render(self, executor: Executor, chunks_per_shard: int | None) -> tuple[Summary, ...]:
        events = executor.run(self._shards(executor, chunks_per_shard))
        with self._pool:
            try:
                self._pace(executor)
                for event in events:
                    self._handle(event)
                return tuple(self._summary(run) for run in self._runs.values())
            except KeyboardInterrupt:
                self._end(
                    Interrupted("Interrupted. Finished frames are kept; run the same command to resume.")
                )
            except BaseException as error:
                self._end(as_farm_error(error))
            finally:
                events.close()  # type: ignore[attr-defined]  # executors' runs are generators
            return tuple(self._summary(run) for run in self._runs.values())

    def _end(self, error: FarmError) -> None:
        """End every unfinished job, including those being assembled."""
        for run in self._runs.values():
            run.cancel(error)
        for run in self._runs.values():
            run.end(error)

    def _pace(self, executor: Executor) -> None:
        """Let pilots choose the missing alphas. An error in a pilot ends only its own job."""
        for name, run in self._runs.items():
            try:
                self._runs[name] = JobRun(paced(run.job, executor, self._on_event))
            except BaseException as error:
                self._stop(run, error)

    def _shards(self, executor: Executor, chunks_per_shard: int | None) -> Iterator[Shard]:
        for run in self._runs.values():
            if run.job.plan.name in self._finishing:
                continue
            try:
                self._on_event(run.start(executor.background))
                fair = run.job.plan.chunk_count // (executor.worker_count * _SHARDS_PER_WORKER)
                yield from run.shards(chunks_per_shard or min(_MAX_CHUNKS_PER_SHARD, max(1, fair)))
            except BaseException as error:
                self._stop(run, error)
            else:
                self._finish_if_complete(run)

    def _stop(self, run: JobRun, error: BaseException) -> None:
        """Stop one job after an error; KeyboardInterrupt is raised again, since it ends all jobs."""
        farm_error = as_farm_error(error)
        run.cancel(farm_error)
        self._finishing[run.job.plan.name] = self._pool.submit(run.stop, farm_error)

    def _handle(self, event: Event) -> None:
        self._on_event(event)
        if isinstance(event, WorkerStarted):
            for run in self._runs.values():
                run.progress.outcomes.worker_started(event)
        elif isinstance(event, ChunkStateChanged):
            self._runs[event.job].record(event)
        elif isinstance(event, (ChunkDone, FramesFailed)) and event.job not in self._finishing:
            # Late results of a stopped job are already in its ledger.
            run = self._runs[event.job]
            try:
                run.record_outcome(event)
                self._finish_if_complete(run)
            except BaseException as error:
                self._stop(run, error)
        for name, finishing in self._finishing.items():
            if finishing.done():
                self._summary(self._runs[name])

    def _finish_if_complete(self, run: JobRun) -> None:
        name = run.job.plan.name
        if run.progress.is_complete and name not in self._finishing:
            self._finishing[name] = self._pool.submit(run.finish)

    def _summary(self, run: JobRun) -> Summary:
        name = run.job.plan.name
        if name not in self._summaries:
            finishing = self._finishing.get(name)
            try:
                self._summaries[name] = finishing.result() if finishing else run.finish()
            except BaseException as error:
                self._summaries[name] = run.stop(as_farm_error(error))
            self._on_event(JobFinished(job=name, state=self._summaries[name].state))
        return self._summaries[name]
