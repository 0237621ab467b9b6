"""What is to be said of frames that are there, but not as they should be."""

from __future__ import annotations

from collections.abc import Iterator

from farm.records import Frame, FrameRow
from farm.reduce import FrameRange
from farm.run.tally import ranges_of


class Remarks:
    """Gathers remarks from rows as they pass by; small, since most frames need none."""

    def __init__(self) -> None:
        self._reasons: dict[int, str] = {}

    def read(self, rows: Iterator[tuple[Frame, FrameRow]]) -> Iterator[tuple[Frame, FrameRow]]:
        """Yield the same rows."""
        for frame, row in rows:
            if remark := remark_on(row):
                self._reasons[row.frame] = remark
            yield frame, row

    @property
    def ranges(self) -> tuple[FrameRange, ...]:
        """The frames that something is to be said of."""
        return ranges_of(sorted(self._reasons.items()))


def remark_on(row: FrameRow) -> str:
    """Return what is to be said of a frame, empty for nothing."""
    remarks = []
    if row.flaw:
        remarks.append(f"{row.flaw}, also when it was rendered again")
    if row.frames_per_call < row.batch_size:
        remarks.append(
            f"rendered {row.frames_per_call} in a call instead of {row.batch_size}, because memory ran out; "
            "last bits may be others"
        )
    return "; ".join(remarks)
