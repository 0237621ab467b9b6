"""The run of one job: its remaining shards, the outcomes of its frames, and its outputs."""

from __future__ import annotations

import bisect
import contextlib
import dataclasses
import itertools
from collections.abc import Callable, Iterator, Sequence

from farm.errors import FarmError, Interrupted, StorageError, as_farm_error, best_effort
from farm.events import ChunkDone, ChunkStateChanged, FramesFailed, JobStarted
from farm.execute import BackgroundTasks
from farm.inputs.pictures.record import record_pictures
from farm.records import Shard
from farm.reduce import Artifact, Reducer, Summary, write_summary
from farm.results import EXIT_CODES
from farm.results.measurements import Findings, measurements_of
from farm.results.status import State
from farm.run.job_stats import JobProgress
from farm.run.live_pages import JobPage
from farm.run.measuring import Measuring
from farm.run.prepare import Job
from farm.store import FolderLock, JobHistory, Ledger, deactivate_measurements


class FrameConsumers:
    """Assemble, measure and display finished frames in background threads.

    The threads run from construction to `finish` or `abort`. `kept` frames exist from earlier runs. `confirm` raises a
    StorageError if another run has taken over the job's folder.
    """

    def __init__(
        self,
        job: Job,
        progress: JobProgress,
        background: BackgroundTasks,
        kept: Sequence[int],
        confirm: Callable[[], None],
    ) -> None:
        plan, folder = job.plan, job.folder
        self._books = progress
        self._reducer = Reducer(folder, plan.name, plan.outputs, plan.frame_count)
        self._reducer.offer(kept)
        if job.analysis is None:
            deactivate_measurements(folder)
        else:
            measurements_of(folder, job.analysis).activate()
        self._measuring = Measuring(plan, folder, job.analysis, background) if job.analysis else None
        if self._measuring:
            self._measuring.offer_kept(kept)
        self._page = JobPage(plan, folder, confirm) if plan.outputs.report else None
        if self._page:
            self._page.add(kept)

    def start(self) -> None:
        """Write the first page of the running job."""
        if self._page:
            self._refresh(self._page)

    def record_outcome(self, event: ChunkDone | FramesFailed) -> None:
        """Pass on finished or failed frames."""
        if isinstance(event, ChunkDone):
            frames = [row.frame for row in event.rows]
            self._reducer.offer(frames)
            if self._measuring:
                self._measuring.offer(event.rows)
            if self._page:
                self._page.add(frames)
        else:
            self._reducer.skip(event.frames)
            if self._measuring:
                self._measuring.skip(event.frames)
        if self._page and self._page.is_due:
            self._refresh(self._page)

    def finish(self) -> tuple[tuple[Artifact, ...], tuple[str, ...]]:
        """Wait for the outputs and the measurements; return the outputs, and the errors of those that failed.

        Raises:
            FarmError: if a frame cannot be read.
        """
        assembly = self._reducer.finish()
        try:
            if self._measuring:
                self._measuring.finish()
        except FarmError as error:
            return assembly.artifacts, (*assembly.errors, f"analysis: {error}")
        return assembly.artifacts, assembly.errors

    def write_final_page(self, summary: Summary, findings: Findings | None) -> None:
        """Write the page of the ended job.

        Raises:
            StorageError: if it cannot be written.
        """
        if self._page:
            self._page.finish(summary, findings)

    def cancel(self) -> None:
        """Request a stop without waiting for it."""
        self._reducer.cancel()
        if self._measuring:
            self._measuring.cancel()

    def abort(self) -> None:
        """Stop and wait for the threads. Has no effect after `finish`."""
        self._reducer.abort()
        if self._measuring:
            self._measuring.abort()
        if self._page:
            self._page.close()

    def _refresh(self, page: JobPage) -> None:
        page.refresh(self._books.summary("partial", ()), self._books.findings)


class JobRun:
    """One job in progress: call `start`, render its `shards`, `record_outcome` for each event, then `finish`."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.progress = JobProgress(job)
        self._chunks: tuple[int, ...] = ()
        self._lock: FolderLock | None = None
        self._ended_by: FarmError | None = None
        self._consumers: FrameConsumers | None = None
        self._history: JobHistory | None = None

    def start(self, background: BackgroundTasks) -> JobStarted:
        """Lock the folder, write the resolved manifest, find the remaining chunks, and start assembling.

        `background` measures the frames.

        Raises:
            StorageError: if the folder cannot be read or written, or another run holds it.
        """
        plan, folder = self.job.plan, self.job.folder
        self._lock = FolderLock(folder, on_lost=self.end).acquire()
        folder.sweep()
        self._history = JobHistory(folder, self._lock.id, plan.chunk_count)
        folder.write("manifest.yaml", plan.manifest_text.encode())
        record_pictures(folder, self.job.pictures)
        self._chunks = self.job.to_render(self.job.remaining())
        Ledger(folder).remove_parts(self._is_obsolete)
        kept = list(self._kept_frames())
        self.progress.start(len(kept))
        self._consumers = FrameConsumers(self.job, self.progress, background, kept, self._lock.renew)
        self._consumers.start()
        return JobStarted(job=plan.name, frame_count=plan.frame_count, kept=len(kept))

    def shards(self, chunks_per_shard: int) -> Iterator[Shard]:
        """Yield the remaining shards lazily, until the job ends."""
        shards = self.job.plan.shards(
            self._chunks, chunks_per_shard=chunks_per_shard, folder=self.job.folder.url
        )
        assert self._lock is not None, "shards are requested after start"
        lock_id = self._lock.id
        for shard in itertools.takewhile(lambda _: self._ended_by is None, shards):
            yield dataclasses.replace(shard, lock_id=lock_id)

    def record(self, event: ChunkStateChanged) -> None:
        """Append an event to the job's history."""
        if self._history is not None:
            self._history.record(event)

    def record_outcome(self, event: ChunkDone | FramesFailed) -> None:
        """Record finished or failed frames."""
        assert self._consumers is not None, "events come after start"
        self.progress.record_outcome(event)
        if self._ended_by is None:
            self._consumers.record_outcome(event)

    def finish(self) -> Summary:
        """Assemble the outputs, write the table and the summary, and return the summary.

        Outputs and measurements fail independently: the job is then partly done, and the summary says why.

        Raises:
            FarmError: if a frame cannot be read, the table cannot be written, or the job was ended meanwhile.
        """
        self._check()
        artifacts, errors = self._consumers.finish() if self._consumers is not None else ((), ())
        self._check()
        findings, analysis_error = self._findings()
        self.progress.write_table(findings)
        measured = not any(each.startswith("analysis: ") for each in errors)
        error = "; ".join([*errors, *([analysis_error] if analysis_error and measured else [])])
        state = "partial" if error and self.progress.finished else self.progress.state
        summary = self._publish(self.progress.summary(state, artifacts, error, findings), findings)
        self._release()
        return summary

    def cancel(self, error: FarmError) -> None:
        """Make `finish` raise `error`, even if it is running in another thread. Does not wait."""
        self._ended_by = error
        if self._consumers is not None:
            self._consumers.cancel()

    def end(self, error: FarmError) -> None:
        """Cancel the job, and wait for its threads."""
        self.cancel(error)
        if self._consumers is not None:
            self._consumers.abort()

    def stop(self, error: FarmError) -> Summary:
        """Abandon the job and return its summary. Finished frames and earlier outputs are kept."""
        if self._consumers is not None:
            self._consumers.abort()
        if self._history is not None:
            self._history.close()
        interrupted = isinstance(error, Interrupted)
        state: State = "interrupted" if interrupted else "partial" if self.progress.finished else "failed"
        if self._lock is None or self._lock.lost:  # the folder belongs to another run, or is not writable
            return self.progress.summary(state, (), str(error))
        # The error may come from the folder that the following is written to.
        findings, _ = self._findings()
        with best_effort():
            if interrupted:
                self.progress.write_table(findings)
        summary = self.progress.summary(state, (), str(error), findings)
        with best_effort():
            self._publish(summary, findings)
        with best_effort():
            self._release()
        return summary

    def _findings(self) -> tuple[Findings | None, str]:
        """Return the measurements, or the error that prevents reading them, which must not affect other outputs."""
        try:
            return self.progress.findings(), ""
        except BaseException as error:
            return None, f"analysis: {as_farm_error(error)}"

    def _publish(self, summary: Summary, findings: Findings | None) -> Summary:
        """Write the summary and the page. If the page fails, the job is partly done, and the summary says why.

        Raises:
            StorageError: if the summary cannot be written.
        """
        write_summary(self.job.folder, summary)
        try:
            if self._consumers is not None:
                self._consumers.write_final_page(summary, findings)
        except BaseException as error:
            state: State = "partial" if summary.state == "done" else summary.state
            message = "; ".join(filter(None, [summary.error, f"report.html: {as_farm_error(error)}"]))
            summary = dataclasses.replace(summary, state=state, exit_code=EXIT_CODES[state], error=message)
            write_summary(self.job.folder, summary)
        return summary

    def _check(self) -> None:
        """Raise the error that ended the job, if any, and renew the lock on its folder."""
        if self._ended_by is not None:
            raise self._ended_by
        if self._lock is not None:
            self._lock.renew()

    def _release(self) -> None:
        if self._history is not None:
            self._history.close()
        if self._lock is not None:
            # Workers outlive a killed run by a second or two, and may be killed while writing.
            with contextlib.suppress(StorageError):
                self.job.folder.sweep()
            self._lock.release()
            self._lock = None

    def _is_obsolete(self, first: int, last: int) -> bool:
        """Return whether a ledger part overlaps a chunk to be rendered without being that chunk's own part."""
        size = self.job.plan.batch_size
        own = self.job.plan.chunk_frames(first // size)
        position = bisect.bisect_left(self._chunks, first // size)  # a part may span any range
        return range(first, last + 1) != own and (
            position < len(self._chunks) and self._chunks[position] <= last // size
        )

    def _kept_frames(self) -> Iterator[int]:
        """Yield the frames of all chunks that need no rendering."""
        to_render = set(self._chunks)
        for chunk in range(self.job.plan.chunk_count):
            if chunk not in to_render:
                yield from self.job.plan.chunk_frames(chunk)
