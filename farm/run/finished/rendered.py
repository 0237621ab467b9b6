"""What lies in a job's folder: frames that are there, whatever model rendered them. No model is needed to read it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from farm.errors import UsageError
from farm.manifest import Document
from farm.manifest.read_policy import ANYTHING, ReadPolicy
from farm.plan import Plan
from farm.records import Frame, FrameRow, ProceduralSpec, Shown
from farm.reduce import FrameCounts, Summary, installed_versions
from farm.run.finished.read_job import read_job
from farm.run.finished.standing import Standing, standing_frames
from farm.run.finished.state import ON_PAGES, UNFINISHED, lacking, last_word, state_of
from farm.run.measure.stretches import shown
from farm.run.pictures.rendered_pictures import rendered_pictures
from farm.run.prepare import planned
from farm.run.states import EXIT_CODES
from farm.store import JobFolder

MOST_FRAMES = 1_000_000
"""Of a job that is looked at frame by frame, however few of them were rendered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """A job's folder, its manifest, and what that plans."""

    folder: JobFolder
    document: Document
    plan: Plan

    def frames(self) -> Iterator[tuple[Frame, FrameRow]]:
        """Yield the frames that are there, whole, and of the manifest's recipe, in order."""
        for number, row, standing in standing_frames(self.folder, self.plan):
            if row is not None and standing is Standing.WHOLE:
                yield self.plan.frame(number), row

    def shown(self) -> Iterator[Shown]:
        """Yield the same frames with what they are to show."""
        return (shown(frame, row) for frame, row in self.frames())

    def summary(self, there: int) -> Summary:
        """Return what its last run said of it; of one that was killed, that it was interrupted with `there` frames.

        Raises:
            StorageError: when it cannot be read.
        """
        return last_word(self.folder) or _interrupted(self.plan, there)

    def summary_for_pages(self, there: int) -> Summary:
        """Return the same, but that a job which was done is no longer where frames are gone.

        Raises:
            StorageError: when it cannot be read.
        """
        summary, planned = self.summary(there), self.plan.frame_count
        if state_of("", summary, lacks_frames=there < planned) != "incomplete":
            return summary
        state = ON_PAGES["incomplete"]
        return dataclasses.replace(
            summary, state=state, exit_code=EXIT_CODES[state], error=lacking(there, planned)
        )


def read_rendered(url: str, overrides: Sequence[str] = (), *, reads: ReadPolicy = ANYTHING) -> Rendered:
    """Return the job in `url` as its `manifest.yaml` there says, with `overrides` (`field=value`) laid over it.

    Raises:
        UsageError: when it is not a job's folder, or parts of it are links.
        ManifestError: when its manifest was changed into one that is wrong, or names other input pictures since, and
            one is not there.
    """
    folder, document = read_job(url, overrides, reads=reads)
    plan = planned(document, ProceduralSpec(), rendered_pictures(folder, document))
    return Rendered(folder=folder, document=document, plan=plan)


def refuse_too_long(job: Rendered) -> None:
    """Refuse a job of more than `MOST_FRAMES` frames, however few of them lie in its folder.

    Raises:
        UsageError: with the number that it plans.
    """
    if job.plan.frame_count > MOST_FRAMES:
        raise UsageError(
            f"{job.folder.path('manifest.yaml')}: plans {job.plan.frame_count} frames; jobs of up to {MOST_FRAMES} "
            "frames are inspected and have pages. Read its metadata.parquet, or open it in Python with farm.open."
        )


def _interrupted(plan: Plan, there: int) -> Summary:
    state = ON_PAGES["unfinished"]
    return Summary(
        name=plan.name,
        kind=plan.kind,
        state=state,
        exit_code=EXIT_CODES[state],
        error=UNFINISHED,
        frames=FrameCounts(planned=plan.frame_count, rendered=0, cached=0, kept=there, failed=0),
        failures=(),
        remarks=(),
        seconds=0.0,
        started_at="",
        finished_at="",
        workers=(),
        environments=(),
        outputs=(),
        versions=installed_versions(),
    )
