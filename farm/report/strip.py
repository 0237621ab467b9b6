"""The frames that a page shows: evenly spaced, read one at a time, within a budget of bytes."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from farm.errors import StorageError
from farm.records import Pixels, evenly_spaced
from farm.report.data import FrameSpan
from farm.report.pictures import Picture, encode_within, fitting_grade, reduced
from farm.store import JobFolder, decode_frame, file_name

MOST_SHOWN = 300
"""Frames: as many as a page plays smoothly and a contact sheet is of use."""
BUDGET = 8_000_000
"""Bytes of all pictures of a page; a third more as base64, which leaves 4 MB of 15 for all else."""
_SAMPLES = 5
_SPARE = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """The pictures of a page in the order of their frames, and frames whose files could not be read."""

    pictures: tuple[Picture, ...]
    unreadable: tuple[FrameSpan, ...]


class Strip:
    """A job's pictures, kept from one writing of its page to the next: a finished frame is read once in a run.

    Memory is that of the budget and one frame, whatever their number and size. Frames that are given to `pictures`
    must not change afterwards.
    """

    def __init__(self, folder: JobFolder, frame_count: int, *, budget: int = BUDGET) -> None:
        self.chosen = evenly_spaced(frame_count, MOST_SHOWN)
        self._folder = folder
        self._budget = budget
        self._share = budget / max(1, len(self.chosen))
        self._grade: int | None = None
        self._kept: dict[int, Picture] = {}

    def pictures(self, finished: Collection[int]) -> Shown:
        """Return those of the finished frames that the page shows.

        A file that cannot be read is told, and tried again the next time.
        """
        there = frozenset(finished)
        wanted = [frame for frame in self.chosen if frame in there]
        missing = [frame for frame in wanted if frame not in self._kept]
        unreadable = []
        if missing and self._grade is None:
            self._grade = self._surveyed(missing)
        for frame in missing:
            try:
                self._keep(frame, self._read(frame))
            except StorageError as error:
                unreadable.append(FrameSpan(first=frame, last=frame, reason=str(error)))
        kept = tuple(self._kept[frame] for frame in wanted if frame in self._kept)
        return Shown(pictures=kept, unreadable=tuple(unreadable))

    def _keep(self, frame: int, pixels: Pixels) -> None:
        """Encode a frame; half a share is left to each that comes after it, so that the budget always holds."""
        if self._grade is None:
            self._grade = fitting_grade([reduced(pixels)], self._share * _SPARE)
        spent = sum(len(picture.webp) for picture in self._kept.values())
        others = len(self.chosen) - len(self._kept) - 1
        most = self._budget - spent - others * self._share / 2
        self._kept[frame] = encode_within(frame, pixels, self._grade, most)

    def _surveyed(self, frames: Sequence[int]) -> int | None:
        """Return the grade that a few of the frames fit with a tenth to spare, None if none can be read."""
        samples = []
        for place in evenly_spaced(len(frames), _SAMPLES):
            try:
                samples.append(reduced(self._read(frames[place])))
            except StorageError:
                continue
        return fitting_grade(samples, self._share * _SPARE) if samples else None

    def _read(self, frame: int) -> Pixels:
        name = file_name(frame)
        return decode_frame(self._folder.read(name), self._folder.path(name))
