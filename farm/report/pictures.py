"""Pictures for a page within a budget of bytes, and `preview.webp`, a small animation of a job for the gallery."""

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

MAX_SHOWN = 300
"""Frames that a page plays smoothly and a contact sheet shows usefully."""
BUDGET = 8_000_000
"""Bytes of all pictures of a page; a third more as base64, which leaves 4 MB of 15 for everything else."""
_SAMPLES = 5
_TARGET = 0.9

PREVIEW = "preview.webp"
MAX_PREVIEW_BYTES = 16 * 2**20
"""A hundred times the size of a typical preview."""
_PREVIEW_SIDE = 96
_PREVIEW_FRAMES = 60
_PREVIEW_SECONDS = 4.0
_PREVIEW_QUALITY = 70

_SMALL = 256
"""Pixels: up to this side a picture is encoded without loss; pixel art suffers most from compression."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grade:
    """An encoding: the longest side in pixels, and the quality of WebP, 0 to 100; None is lossless."""

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
"""The best first. The last takes at most about 3 kB, for noise of 64x64."""
_LARGEST = max(grade.side for grade in GRADES)


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddedPicture:
    """A frame as WebP; `width` and `height` are those of the encoded picture."""

    frame: int
    width: int
    height: int
    webp: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class PagePictures:
    """The pictures of a page in the order of their frames, and the frames with unreadable files."""

    pictures: tuple[EmbeddedPicture, ...]
    unreadable: tuple[FrameSpan, ...]


class PictureCache:
    """The pictures of a job's page, cached between its updates: a finished frame is read once in a run.

    It keeps the budget and one frame in memory, whatever the number and size of frames. Frames passed to `pictures`
    must not change afterwards.
    """

    def __init__(self, folder: JobFolder, frame_count: int, *, budget: int = BUDGET) -> None:
        self.chosen = evenly_spaced(frame_count, MAX_SHOWN)
        self._folder = folder
        self._budget = budget
        self._share = budget / max(1, len(self.chosen))
        self._grade: int | None = None
        self._cached: dict[int, EmbeddedPicture] = {}

    def pictures(self, finished: Collection[int]) -> PagePictures:
        """Return the pictures of the finished frames that the page shows.

        An unreadable file is reported, and read again on the next call.
        """
        available = frozenset(finished)
        selected = [frame for frame in self.chosen if frame in available]
        missing = [frame for frame in selected if frame not in self._cached]
        unreadable = []
        if missing and self._grade is None:
            self._grade = self._common_grade(missing)
        for frame in missing:
            try:
                self._add(frame, self._read(frame))
            except StorageError as error:
                unreadable.append(FrameSpan(first=frame, last=frame, reason=str(error)))
        pictures = tuple(self._cached[frame] for frame in selected if frame in self._cached)
        return PagePictures(pictures=pictures, unreadable=tuple(unreadable))

    def _add(self, frame: int, pixels: Pixels) -> None:
        """Encode a frame, leaving half a share for each later one, so that the budget is never exceeded."""
        if self._grade is None:
            self._grade = fitting_grade([reduced(pixels)], self._share * _TARGET)
        spent = sum(len(picture.webp) for picture in self._cached.values())
        others = len(self.chosen) - len(self._cached) - 1
        limit = self._budget - spent - others * self._share / 2
        self._cached[frame] = encode_within(frame, pixels, self._grade, limit)

    def _common_grade(self, frames: Sequence[int]) -> int | None:
        """Return the grade that fits a sample of the frames with a tenth to spare, None if none can be read."""
        samples = []
        for position in evenly_spaced(len(frames), _SAMPLES):
            try:
                samples.append(reduced(self._read(frames[position])))
            except StorageError:
                continue
        return fitting_grade(samples, self._share * _TARGET) if samples else None

    def _read(self, frame: int) -> Pixels:
        name = file_name(frame)
        return decode_frame(self._folder.read(name), self._folder.path(name))


def write_preview(folder: JobFolder, frames: Collection[int]) -> int:
    """Write an animated WebP of at most 96 pixels and 60 of the finished frames, and return its size in bytes.

    Unreadable frames are omitted. Without any frame, no file is written, an earlier one is removed, and 0 is returned.

    Raises:
        StorageError: it cannot be written.
    """
    ordered = sorted(frames)
    pictures = list(
        _thumbnails(folder, [ordered[position] for position in evenly_spaced(len(ordered), _PREVIEW_FRAMES)])
    )
    if not pictures:
        folder.remove(PREVIEW)
        return 0
    first, *others = pictures
    buffer = io.BytesIO()
    duration = max(60, round(1000 * _PREVIEW_SECONDS / len(pictures)))
    first.save(
        buffer,
        format="webp",
        save_all=True,
        append_images=others,
        duration=duration,
        loop=0,
        quality=_PREVIEW_QUALITY,
    )
    folder.write(PREVIEW, buffer.getvalue())
    return buffer.tell()


def poster_of(preview: bytes) -> tuple[bytes, int, int] | None:
    """Return the first picture of a preview as WebP, its width and its height; None if it is not a picture."""
    try:
        with Image.open(io.BytesIO(preview), formats=["webp"]) as image:
            if max(image.size) > _PREVIEW_SIDE:
                return None
            buffer = io.BytesIO()
            image.convert("RGB").save(buffer, format="webp", quality=_PREVIEW_QUALITY, method=0)
            return buffer.getvalue(), image.width, image.height
    except Exception:  # Pillow's readers raise any type
        return None


def reduced(pixels: Pixels) -> Pixels:
    """Return a picture reduced to the largest side of any grade, to save memory."""
    image = Image.fromarray(pixels)
    image.thumbnail((_LARGEST, _LARGEST), Image.Resampling.BOX)
    return np.asarray(image)


def encode(frame: int, pixels: Pixels, grade: Grade) -> EmbeddedPicture:
    """Encode a frame with a grade; it is reduced if necessary, never enlarged."""
    image = Image.fromarray(pixels)
    image.thumbnail((grade.side, grade.side), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    if grade.quality is None:
        image.save(buffer, format="webp", lossless=True)
    else:
        image.save(buffer, format="webp", quality=grade.quality)
    return EmbeddedPicture(frame=frame, width=image.width, height=image.height, webp=buffer.getvalue())


def fitting_grade(samples: Sequence[Pixels], share: float) -> int:
    """Return the position in `GRADES` of the best one with which samples take `share` bytes each on average."""
    largest = max(max(pixels.shape[:2]) for pixels in samples)
    for position, grade in enumerate(GRADES[:-1]):
        if grade.quality is None and largest > grade.side:
            continue
        if sum(len(encode(0, pixels, grade).webp) for pixels in samples) <= share * len(samples):
            return position
    return len(GRADES) - 1


def encode_within(frame: int, pixels: Pixels, position: int, limit: float) -> EmbeddedPicture:
    """Encode a frame with the best grade from `position` on that takes at most `limit` bytes, or else with the last."""
    for grade in GRADES[position:-1]:
        picture = encode(frame, pixels, grade)
        if len(picture.webp) <= limit:
            return picture
    return encode(frame, pixels, GRADES[-1])


def _thumbnails(folder: JobFolder, frames: Collection[int]) -> Iterator[Image.Image]:
    for frame in frames:
        name = file_name(frame)
        try:
            image = Image.fromarray(decode_frame(folder.read(name), folder.path(name)))
        except StorageError:
            continue
        image.thumbnail((_PREVIEW_SIDE, _PREVIEW_SIDE), Image.Resampling.LANCZOS)
        yield image
