"""A job's outputs made again from its frames alone: nothing is rendered, no model or input picture is needed."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass

from farm.records.status import FrameStatus, ranges_of
from farm.reduce import Artifact, FrameRange, assemble, write_table
from farm.results.job import FinishedJob, open_finished
from farm.results.measurements import findings_in, header_of
from farm.results.status import frame_statuses
from farm.store import FolderLock


@dataclass(frozen=True, slots=True, kw_only=True)
class AssembledOutputs:
    """What `assemble_outputs` made: `frames` of `planned` were there; `missing` are the others, and why.

    `errors` say which outputs could not be made, and why.
    """

    name: str
    planned: int
    frames: int
    missing: tuple[FrameRange, ...]
    outputs: tuple[Artifact, ...]
    errors: tuple[str, ...] = ()


def assemble_outputs(url: str) -> AssembledOutputs:
    """Make GIF, MP4, sheets and table of the job in `url` again, as its `manifest.yaml` there says.

    Raises:
        UsageError: when it is not a job's folder, or parts of it are links.
        ManifestError: when its manifest was changed into one that is wrong, or names other input pictures since, and
            one is not there.
        FarmError: when a frame cannot be read, or the table not be written.
    """
    job = open_finished(url)
    folder, plan = job.folder, job.plan
    claim = FolderLock(folder).acquire()
    try:
        folder.sweep()
        there, missing = _stock(job)
        assembly = assemble(folder, plan.name, plan.outputs, there, frame_count=plan.frame_count)
        claim.renew()
        if there:
            header = header_of(plan, findings_in(plan, folder, job.shown()))
            write_table(folder, header, job.frames())
    finally:
        claim.release()
    return AssembledOutputs(
        name=plan.name,
        planned=plan.frame_count,
        frames=len(there),
        missing=missing,
        outputs=assembly.artifacts,
        errors=assembly.errors,
    )


def _stock(job: FinishedJob) -> tuple[array[int], tuple[FrameRange, ...]]:
    """Return the frames that are there, and those that are not."""
    there = array("q")

    def lacking() -> Iterator[tuple[int, str]]:
        for number, _, status in frame_statuses(job.folder, job.plan, any_renderer=True):
            if status is FrameStatus.INTACT:
                there.append(number)
            else:
                yield number, status.value

    return there, ranges_of(lacking())
