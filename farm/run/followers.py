"""What follows a job's frames as they come in: its outputs, what is measured in them, and its page."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from farm.errors import FarmError
from farm.events import ChunkDone, FramesFailed
from farm.execute import Aside
from farm.reduce import Artifact, Reducer, Summary
from farm.run.books import Books
from farm.run.measure.findings import Findings, measurements_of
from farm.run.measure.measuring import Measuring
from farm.run.pages.job_page import JobPage
from farm.run.prepare import Job
from farm.store import deactivate_measurements


class Followers:
    """At work from construction to `finish` or `abort`, in threads; `kept` frames are there already.

    `confirm` raises a StorageError when the job's folder is another run's by now.
    """

    def __init__(
        self, job: Job, books: Books, aside: Aside, kept: Sequence[int], confirm: Callable[[], None]
    ) -> None:
        plan, folder = job.plan, job.folder
        self._books = books
        self._reducer = Reducer(folder, plan.name, plan.outputs, plan.frame_count)
        self._reducer.offer(kept)
        if job.analysis is None:
            deactivate_measurements(folder)
        else:
            measurements_of(folder, job.analysis).activate()
        self._measuring = Measuring(plan, folder, job.analysis, aside) if job.analysis else None
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
