"""Assemble a job's outputs from its finished frames. Needs no model or input image."""

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
    """The outputs that `assemble_outputs` wrote from `frames` of `planned` frames.

    `missing` are the other frames with reasons; `errors` are about outputs that failed.
    """

    name: str
    planned: int
    frames: int
    missing: tuple[FrameRange, ...]
    outputs: tuple[Artifact, ...]
    errors: tuple[str, ...] = ()


def assemble_outputs(url: str) -> AssembledOutputs:
    """Write the GIF, MP4, sheets and table of the job at `url` again, as its `manifest.yaml` says.

    Raises:
        UsageError: if it is not a job's folder, or contains symbolic links.
        ManifestError: if its manifest is invalid, or names a changed and missing input image.
        FarmError: if a frame cannot be read, or the table cannot be written.
    """
    job = open_finished(url)
    folder, plan = job.folder, job.plan
    lock = FolderLock(folder).acquire()
    try:
        folder.sweep()
        finished, missing = _finished_and_missing(job)
        assembly = assemble(folder, plan.name, plan.outputs, finished, frame_count=plan.frame_count)
        lock.renew()
        if finished:
            header = header_of(plan, findings_in(plan, folder, job.analyzed_frames()))
            write_table(folder, header, job.frames())
    finally:
        lock.release()
    return AssembledOutputs(
        name=plan.name,
        planned=plan.frame_count,
        frames=len(finished),
        missing=missing,
        outputs=assembly.artifacts,
        errors=assembly.errors,
    )


def _finished_and_missing(job: FinishedJob) -> tuple[array[int], tuple[FrameRange, ...]]:
    """Return the finished frames, and the others with reasons."""
    finished = array("q")

    def unavailable() -> Iterator[tuple[int, str]]:
        for number, _, status in frame_statuses(job.folder, job.plan, any_renderer=True):
            if status is FrameStatus.INTACT:
                finished.append(number)
            else:
                yield number, status.value

    return finished, ranges_of(unavailable())
