"""One job while it runs: what it still renders, what came in, and what it leaves behind."""

from __future__ import annotations

import bisect
import contextlib
import dataclasses
import itertools
from collections.abc import Callable, Iterator, Sequence

from farm.errors import FarmError, Interrupted, StorageError, as_far_as_possible, as_farm_error
from farm.events import ChunkDone, ChunkStateChanged, FramesFailed, JobStarted
from farm.execute import BackgroundTasks
from farm.inputs.pictures.record import record_pictures
from farm.records import Shard
from farm.reduce import Artifact, Reducer, Summary, write_summary
from farm.results import EXIT_CODES
from farm.results.measurements import Findings, measurements_of
from farm.results.status import State
from farm.run.job_stats import Books
from farm.run.live_pages import JobPage
from farm.run.measuring import Measuring
from farm.run.prepare import Job
from farm.store import FolderLock, JobHistory, Ledger, deactivate_measurements


class Followers:
    """At work from construction to `finish` or `abort`, in threads; `kept` frames are there already.

    `confirm` raises a StorageError when the job's folder is another run's by now.
    """

    def __init__(
        self,
        job: Job,
        books: Books,
        background: BackgroundTasks,
        kept: Sequence[int],
        confirm: Callable[[], None],
    ) -> None:
        plan, folder = job.plan, job.folder
        self._books = books
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

    def begin(self) -> None:
        """Show the job as it begins."""
        if self._page:
            self._refresh(self._page)

    def take(self, event: ChunkDone | FramesFailed) -> None:
        """Hear what became of some frames."""
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
        """Wait for the outputs and the measuring; return the outputs, and why others or measurements are missing.

        Raises:
            FarmError: when a frame cannot be read.
        """
        assembly = self._reducer.finish()
        try:
            if self._measuring:
                self._measuring.finish()
        except FarmError as error:
            return assembly.artifacts, (*assembly.errors, f"analysis: {error}")
        return assembly.artifacts, assembly.errors

    def tell(self, summary: Summary, findings: Findings | None) -> None:
        """Write the page of the job as it is left.

        Raises:
            StorageError: when it cannot be written.
        """
        if self._page:
            self._page.finish(summary, findings)

    def cancel(self) -> None:
        """Ask all to stop, and wait for nothing."""
        self._reducer.cancel()
        if self._measuring:
            self._measuring.cancel()

    def abort(self) -> None:
        """Stop; without effect after `finish`."""
        self._reducer.abort()
        if self._measuring:
            self._measuring.abort()
        if self._page:
            self._page.close()

    def _refresh(self, page: JobPage) -> None:
        page.refresh(self._books.summary("partial", ()), self._books.findings)


class JobRun:
    """Follows one job: `start` it, hand out its `shards`, tell it what happened, `finish` it."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.books = Books(job)
        self._chunks: tuple[int, ...] = ()
        self._claim: FolderLock | None = None
        self._ended_by: FarmError | None = None
        self._followers: Followers | None = None
        self._history: JobHistory | None = None

    def start(self, background: BackgroundTasks) -> JobStarted:
        """Lock the folder, write the resolved manifest, find what is still to render, and begin to assemble.

        Frames are measured by what `background` calls.

        Raises:
            StorageError: when the folder cannot be read or written, or another run holds it.
        """
        plan, folder = self.job.plan, self.job.folder
        self._claim = FolderLock(folder, on_lost=self.end).acquire()
        folder.sweep()
        self._history = JobHistory(folder, self._claim.id, plan.chunk_count)
        folder.write("manifest.yaml", plan.manifest_text.encode())
        record_pictures(folder, self.job.pictures)
        self._chunks = self.job.to_render(self.job.remaining())
        Ledger(folder).remove_parts(self._is_obsolete)
        kept = list(self._kept_frames())
        self.books.begin(len(kept))
        self._followers = Followers(self.job, self.books, background, kept, self._claim.renew)
        self._followers.begin()
        return JobStarted(job=plan.name, frame_count=plan.frame_count, kept=len(kept))

    def shards(self, chunks_per_shard: int) -> Iterator[Shard]:
        """Yield what is to be rendered, made as it is asked for; no more once the job was ended."""
        shards = self.job.plan.shards(
            self._chunks, chunks_per_shard=chunks_per_shard, folder=self.job.folder.url
        )
        assert self._claim is not None, "shards come after start"
        claim = self._claim.id
        for shard in itertools.takewhile(lambda _: self._ended_by is None, shards):
            yield dataclasses.replace(shard, claim=claim)

    def record(self, event: ChunkStateChanged) -> None:
        """Add an event to the job's history."""
        if self._history is not None:
            self._history.record(event)

    def take(self, event: ChunkDone | FramesFailed) -> None:
        """Note what became of some frames."""
        assert self._followers is not None, "events come after start"
        self.books.take(event)
        if self._ended_by is None:
            self._followers.take(event)

    def finish(self) -> Summary:
        """Assemble the outputs, write the table and the summary, and return the summary.

        What cannot be made or measured costs nothing else: the job is partly done then, and the summary says why.

        Raises:
            FarmError: when a frame cannot be read, the table not be written, or the job was ended meanwhile.
        """
        self._check()
        artifacts, missing = self._followers.finish() if self._followers is not None else ((), ())
        self._check()
        findings, unjudged = self._findings()
        self.books.write_table(findings)
        measured = not any(reason.startswith("analysis: ") for reason in missing)
        trouble = "; ".join([*missing, *([unjudged] if unjudged and measured else [])])
        state = "partial" if trouble and self.books.there else self.books.state
        summary = self._told(self.books.summary(state, artifacts, trouble, findings), findings)
        self._release()
        return summary

    def cancel(self, error: FarmError) -> None:
        """Make `finish` raise `error` soon, also one that is under way in another thread, and wait for nothing."""
        self._ended_by = error
        if self._followers is not None:
            self._followers.cancel()

    def end(self, error: FarmError) -> None:
        """Likewise, and wait for what is under way."""
        self.cancel(error)
        if self._followers is not None:
            self._followers.abort()

    def stop(self, error: FarmError) -> Summary:
        """Stop where the job is: its frames stay, its former pictures and films stay as they were."""
        if self._followers is not None:
            self._followers.abort()
        if self._history is not None:
            self._history.close()
        interrupted = isinstance(error, Interrupted)
        state: State = "interrupted" if interrupted else "partial" if self.books.there else "failed"
        if self._claim is None or self._claim.lost:  # another run's folder, or one that cannot be written
            return self.books.summary(state, (), str(error))
        # The folder that ended the job may be the one that all this should go to.
        findings, _ = self._findings()
        with as_far_as_possible():
            if interrupted:
                self.books.write_table(findings)
        summary = self.books.summary(state, (), str(error), findings)
        with as_far_as_possible():
            self._told(summary, findings)
        with as_far_as_possible():
            self._release()
        return summary

    def _findings(self) -> tuple[Findings | None, str]:
        """Return what was measured, and why that cannot be told: whatever it is, it costs the job nothing else."""
        try:
            return self.books.findings(), ""
        except BaseException as error:
            return None, f"analysis: {as_farm_error(error)}"

    def _told(self, summary: Summary, findings: Findings | None) -> Summary:
        """Write the summary and the page; without a page the job is partly done, and the summary says why.

        Raises:
            StorageError: when the summary cannot be written.
        """
        write_summary(self.job.folder, summary)
        try:
            if self._followers is not None:
                self._followers.tell(summary, findings)
        except BaseException as error:
            state: State = "partial" if summary.state == "done" else summary.state
            said = "; ".join(filter(None, [summary.error, f"report.html: {as_farm_error(error)}"]))
            summary = dataclasses.replace(summary, state=state, exit_code=EXIT_CODES[state], error=said)
            write_summary(self.job.folder, summary)
        return summary

    def _check(self) -> None:
        """Make sure that the job was not ended, and that its folder is still its own."""
        if self._ended_by is not None:
            raise self._ended_by
        if self._claim is not None:
            self._claim.renew()

    def _release(self) -> None:
        if self._history is not None:
            self._history.close()
        if self._claim is not None:
            # Workers of a run that was killed live on for a second or two: they may have been ended while writing.
            with contextlib.suppress(StorageError):
                self.job.folder.sweep()
            self._claim.release()
            self._claim = None

    def _is_obsolete(self, first: int, last: int) -> bool:
        """Tell of a ledger part whether it speaks of a chunk that is rendered again, but is not that chunk's own."""
        size = self.job.plan.batch_size
        own = self.job.plan.chunk_frames(first // size)
        next_again = bisect.bisect_left(
            self._chunks, first // size
        )  # by their ends, as a part may claim any range
        return range(first, last + 1) != own and (
            next_again < len(self._chunks) and self._chunks[next_again] <= last // size
        )

    def _kept_frames(self) -> Iterator[int]:
        """Yield the frames of chunks that are not rendered again."""
        again = set(self._chunks)
        for chunk in range(self.job.plan.chunk_count):
            if chunk not in again:
                yield from self.job.plan.chunk_frames(chunk)
