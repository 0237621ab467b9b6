"""Pictures for a page: as good as its bytes allow."""

from __future__ import annotations

import io
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from farm.errors import StorageError
from farm.records import Pixels, evenly_spaced
from farm.report.data import FrameSpan
from farm.store import JobFolder, decode_frame, file_name

_SMALL = 256
"""Pixels: up to this side a picture is kept as it is, without loss; pixel art suffers most from compression."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grade:
    """How a picture is kept: its longest side in pixels, and WebP's quality of 0 to 100; None is without loss."""

    side: int
    quality: int | None


_PYRAMID = (
    (1024, 88),
    (768, 85),
    (640, 82),
    (512, 80),
    (512, 70),
    (448, 70),
    (384, 65),
    (320, 60),
    (256, 55),
)
GRADES = (
    Grade(side=_SMALL, quality=None),
    *(Grade(side=side, quality=quality) for side, quality in (*_PYRAMID, (192, 45), (128, 35), (64, 20))),
)
"""The best first. The last takes at most about 3 kB of anything: noise of 64x64."""
_LARGEST = max(grade.side for grade in GRADES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A frame as WebP; `width` and `height` are those of the encoded picture."""

    frame: int
    width: int
    height: int
    webp: bytes


def reduced(pixels: Pixels) -> Pixels:
    """Return a picture no larger than any grade keeps, for a survey that holds several."""
    image = Image.fromarray(pixels)
    image.thumbnail((_LARGEST, _LARGEST), Image.Resampling.BOX)
    return np.asarray(image)


def encode(frame: int, pixels: Pixels, grade: Grade) -> Picture:
    """Return a frame as a picture of a grade; it is made smaller if it must be, never larger."""
    image = Image.fromarray(pixels)
    image.thumbnail((grade.side, grade.side), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    if grade.quality is None:
        image.save(buffer, format="webp", lossless=True)
    else:
        image.save(buffer, format="webp", quality=grade.quality)
    return Picture(frame=frame, width=image.width, height=image.height, webp=buffer.getvalue())


def fitting_grade(samples: Sequence[Pixels], share: float) -> int:
    """Return the place in `GRADES` of the best in which samples take `share` bytes each on average."""
    largest = max(max(pixels.shape[:2]) for pixels in samples)
    for place, grade in enumerate(GRADES[:-1]):
        if grade.quality is None and largest > grade.side:
            continue
        if sum(len(encode(0, pixels, grade).webp) for pixels in samples) <= share * len(samples):
            return place
    return len(GRADES) - 1


def encode_within(frame: int, pixels: Pixels, place: int, most: float) -> Picture:
    """Return a frame in the best grade from `place` on that takes at most `most` bytes, or else in the last."""
    for grade in GRADES[place:-1]:
        picture = encode(frame, pixels, grade)
        if len(picture.webp) <= most:
            return picture
    return encode(frame, pixels, GRADES[-1])


NAME = "preview.webp"
MOST_BYTES = 16 * 2**20
"""Of a preview, which has a hundredth of that."""
_SIDE = 96
_MOST = 60
_SECONDS = 4.0
_QUALITY = 70


def write_preview(folder: JobFolder, frames: Collection[int]) -> int:
    """Write an animated WebP of at most 96 pixels and 60 of the finished frames, and return its bytes.

    A frame that cannot be read is left out; where none is left, no file is written, a former one is removed, and 0
    returned.

    Raises:
        StorageError: when it cannot be written.
    """
    there = sorted(frames)
    pictures = list(_thumbnails(folder, [there[place] for place in evenly_spaced(len(there), _MOST)]))
    if not pictures:
        folder.remove(NAME)
        return 0
    first, *others = pictures
    buffer = io.BytesIO()
    duration = max(60, round(1000 * _SECONDS / len(pictures)))
    first.save(
        buffer,
        format="webp",
        save_all=True,
        append_images=others,
        duration=duration,
        loop=0,
        quality=_QUALITY,
    )
    folder.write(NAME, buffer.getvalue())
    return buffer.tell()


def poster_of(preview: bytes) -> tuple[bytes, int, int] | None:
    """Return the first picture of a preview as WebP, its width and its height; None if it is no picture."""
    try:
        with Image.open(io.BytesIO(preview), formats=["webp"]) as image:
            if max(image.size) > _SIDE:
                return None
            buffer = io.BytesIO()
            image.convert("RGB").save(buffer, format="webp", quality=_QUALITY, method=0)
            return buffer.getvalue(), image.width, image.height
    except Exception:  # Pillow's readers raise whatever they meet
        return None


def _thumbnails(folder: JobFolder, frames: Collection[int]) -> Iterator[Image.Image]:
    for frame in frames:
        name = file_name(frame)
        try:
            image = Image.fromarray(decode_frame(folder.read(name), folder.path(name)))
        except StorageError:
            continue
        image.thumbnail((_SIDE, _SIDE), Image.Resampling.LANCZOS)
        yield image


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
