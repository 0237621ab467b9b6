"""What the frames that a job plans are worth, as they lie in its folder."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from enum import StrEnum

from farm.plan import Plan
from farm.records import FrameRow
from farm.store import JobFolder, Ledger, file_name, is_intact, map_in_order


class Standing(StrEnum):
    """What a planned frame is worth, or why it is worth nothing."""

    WHOLE = "whole"
    """Its file is there, bit for bit as it was written."""
    ALTERED = "file changed since it was written"
    GONE = "file gone"
    OTHER_RECIPE = "recipe changed since"
    NOT_RENDERED = "not rendered"


def standing_frames(folder: JobFolder, plan: Plan) -> Iterator[tuple[int, FrameRow | None, Standing]]:
    """Yield every frame of a plan in order: its number, its row in the ledger if it has one, and what it is worth.

    Raises:
        StorageError: when the ledger, or a remote store, cannot be read.
    """

    def look(row: FrameRow) -> tuple[FrameRow, Standing]:
        if not is_planned(plan, row):
            return row, Standing.OTHER_RECIPE
        return row, Standing.WHOLE if is_intact(folder, row) else damage(folder, row)

    found = map_in_order(
        look, Ledger(folder).rows(last=plan.frame_count - 1), concurrency=folder.concurrent_reads
    )
    recorded = next(found, None)
    for frame in range(plan.frame_count):
        if recorded is None or recorded[0].frame != frame:
            yield frame, None, Standing.NOT_RENDERED
        else:
            yield frame, *recorded
            recorded = next(found, None)


def frames_there(folder: JobFolder, plan: Plan) -> tuple[int, ...]:
    """Return the planned frames that are in the ledger with their recipe, and whose file is there, whatever is in it.

    That takes one listing; `standing_frames` also reads every file.

    Raises:
        StorageError: when the ledger, or a remote store, cannot be read.
    """
    place = file_name(0).rpartition("/")[0]
    files = {f"{place}/{name}" for name in folder.names(place)}
    rows = Ledger(folder).rows(last=plan.frame_count - 1)
    return tuple(row.frame for row in rows if row.file_name in files and is_planned(plan, row))


def damage(folder: JobFolder, row: FrameRow) -> Standing:
    """Return what became of a frame's file that is not as it was written."""
    return Standing.ALTERED if folder.exists(row.file_name) else Standing.GONE


def is_planned(plan: Plan, row: FrameRow) -> bool:
    """Tell whether a row is of the recipe that a plan has for its frame, whatever model rendered it."""
    its = dataclasses.replace(plan, renderer_digest=row.renderer_digest).frame(row.frame)
    return its.digest == row.recipe_digest
