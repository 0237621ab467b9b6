"""What the frames that a job's ledger tells of are worth."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from enum import StrEnum

from farm.plan import Plan
from farm.records import FrameRow
from farm.run.finished.rendered import Rendered
from farm.store import JobFolder, Ledger, in_order, is_whole


class Standing(StrEnum):
    """What a recorded frame is worth, or why it is worth nothing."""

    WHOLE = "whole"
    """Its file is there, bit for bit as it was written."""
    ALTERED = "file changed since it was written"
    GONE = "file gone"
    OTHER_RECIPE = "recipe changed since"


def standing_frames(job: Rendered) -> Iterator[tuple[FrameRow, Standing]]:
    """Yield the rows of the job's ledger in the order of frames, and what each frame is worth.

    Raises:
        StorageError: when the ledger, or a remote store, cannot be read.
    """

    def look(row: FrameRow) -> tuple[FrameRow, Standing]:
        if not is_planned(job.plan, row):
            return row, Standing.OTHER_RECIPE
        return row, Standing.WHOLE if is_whole(job.folder, row) else damage(job.folder, row)

    rows = Ledger(job.folder).rows(last=job.plan.frame_count - 1)
    yield from in_order(look, rows, at_once=job.folder.at_once)


def damage(folder: JobFolder, row: FrameRow) -> Standing:
    """Return what became of a frame's file that is not as it was written."""
    return Standing.ALTERED if folder.exists(row.file_name) else Standing.GONE


def is_planned(plan: Plan, row: FrameRow) -> bool:
    """Tell whether a row is of the recipe that a plan has for its frame, whatever model rendered it."""
    its = dataclasses.replace(plan, renderer_digest=row.renderer_digest).frame(row.frame)
    return its.digest == row.recipe_digest
