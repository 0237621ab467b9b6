"""The frames of a job, one after the other, with their pixels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from farm.records import Frame, FrameRow, Pixels
from farm.run.finished.rendered import Rendered
from farm.run.finished.standing import Standing, damage, is_planned
from farm.run.verify.held import look
from farm.store import Ledger, map_in_order


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A frame that is there, whole and of the recipe that the manifest has."""

    frame: Frame
    row: FrameRow
    pixels: Pixels


def frames_of(job: Rendered) -> Iterator[Kept | str]:
    """Yield every frame of a job in order: as it is kept, or why it is not.

    Raises:
        StorageError: when the ledger, or a remote store, cannot be read.
    """

    def kept(row: FrameRow) -> tuple[int, Kept | str]:
        if not is_planned(job.plan, row):
            return row.frame, str(Standing.OTHER_RECIPE)
        held, pixels = look(job.folder, row)
        if pixels is None or held.file_sha256 != row.file_sha256:
            return row.frame, str(damage(job.folder, row))
        return row.frame, Kept(frame=job.plan.frame(row.frame), row=row, pixels=pixels)

    rows = Ledger(job.folder).rows(last=job.plan.frame_count - 1)
    found = map_in_order(kept, rows, concurrency=job.folder.concurrent_reads)
    number, one = next(found, (-1, ""))
    for index in range(job.plan.frame_count):
        if index == number:
            yield one
            number, one = next(found, (-1, ""))
        else:
            yield "not rendered"
