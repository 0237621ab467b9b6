"""Pictures for a page: as good as its bytes allow."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from farm.records import Pixels

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
