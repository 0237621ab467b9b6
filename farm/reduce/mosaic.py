"""Pictures composed of many pictures: a canvas of cells, and text on it.

A cell is hatched until its frame is pasted, so that missing frames are visible. Text is measured before it is placed,
so that it is never cut off.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from farm.records import Pixels

if TYPE_CHECKING:
    from PIL import Image

PAPER = (250, 250, 250)
INK = (64, 64, 64)
_HATCH = ((236, 236, 236), (220, 220, 220))

_MAX_PIXELS = 2**26
"""Maximum pixels of all frames in a picture: few viewers open a larger one."""

_BREAK = re.compile(r"(?<!=) ")
"""A line breaks at a space, but a value stays with its equals sign."""

_LONG_WORD = re.compile(r"\S{40}(?=\S)")
"""Longer words are broken anywhere."""


class Mosaic:
    """A canvas of `size` with equal cells; `origins` maps a frame's index to its cell's left and top."""

    def __init__(
        self, *, size: tuple[int, int], cell: tuple[int, int], origins: Mapping[int, tuple[int, int]]
    ) -> None:
        from PIL import Image

        self.canvas = Image.new("RGB", size, PAPER)
        self._cell = cell
        self._origins = origins
        blank = _hatched(*cell)
        for origin in origins.values():
            self.canvas.paste(blank, origin)

    def paste(self, index: int, pixels: Pixels) -> None:
        """Paste a frame into its cell, scaled to it; ignore a frame without a cell."""
        if index not in self._origins:
            return
        from PIL import Image

        image = Image.fromarray(pixels)
        if image.size != self._cell:
            image = image.resize(self._cell, Image.Resampling.LANCZOS)
        self.canvas.paste(image, self._origins[index])

    def save(self, path: Path) -> None:
        """Write the canvas as PNG."""
        self.canvas.save(path, format="png")


class Lettering:
    """Text in Pillow's own font at a size in pixels: the same on every machine.

    The font has Latin letters; others appear as boxes.
    """

    def __init__(self, size: float) -> None:
        from PIL import Image, ImageDraw, ImageFont

        self._font = ImageFont.load_default(size=size)
        self._ruler = ImageDraw.Draw(Image.new("RGB", (1, 1)))
        self._spacing = round(size * 0.3)

    def wrapped(self, text: str, width: int) -> str:
        """Return `text` in lines of at most `width` pixels.

        A wider word is kept on a line of its own, up to 40 characters of it.
        """
        lines: list[str] = []
        for word in _BREAK.split(_LONG_WORD.sub(r"\g<0> ", " ".join(text.split()))):
            longer = f"{lines[-1]} {word}" if lines else word
            if lines and self._ruler.textlength(longer, font=self._font) <= width:
                lines[-1] = longer
            else:
                lines.append(word)
        return "\n".join(lines)

    def size(self, text: str) -> tuple[int, int]:
        """Return the width and height of a text of one or more lines, 0 x 0 for an empty one."""
        if not text:
            return 0, 0
        _, _, right, bottom = self._ruler.multiline_textbbox(
            (0, 0), text, font=self._font, spacing=self._spacing
        )
        return int(right) + 1, int(bottom) + 1

    def largest(self, texts: Sequence[str]) -> tuple[int, int]:
        """Return the width of the widest and the height of the tallest text, 0 x 0 for none."""
        sizes = [self.size(text) for text in texts] or [(0, 0)]
        return max(width for width, _ in sizes), max(height for _, height in sizes)

    def draw(self, canvas: Image.Image, text: str, box: tuple[int, int, int, int], align: str) -> None:
        """Draw `text` vertically centred in a box of left, top, right, bottom; `align` is as in CSS."""
        from PIL import ImageDraw

        left, top, right, bottom = box
        width, height = self.size(text)
        free = right - left - width
        x = left + {"left": 0, "center": free // 2, "right": free}[align]
        y = top + (bottom - top - height) // 2
        ImageDraw.Draw(canvas).multiline_text(
            (x, y), text, fill=INK, font=self._font, spacing=self._spacing, align=align
        )


def fitted(width: int, height: int, *, count: int) -> tuple[int, int]:
    """Return the size of `count` cells for pictures of this size, reduced if all together would exceed the maximum."""
    shrink = min(1.0, math.sqrt(_MAX_PIXELS / (width * height * count)))
    return max(1, int(width * shrink)), max(1, int(height * shrink))


def shortened(text: str, limit: int) -> str:
    """Return a text of at most `limit` characters; if it is cut, it ends in three dots."""
    return text if len(text) <= limit else f"{text[: limit - 3]}..."


def _hatched(width: int, height: int) -> Image.Image:
    import numpy as np
    from PIL import Image

    period = max(6, width // 12)
    y, x = np.mgrid[0:height, 0:width]
    light, dark = (np.array(tone, np.uint8) for tone in _HATCH)
    return Image.fromarray(np.where(((x + y) % period < max(1, period // 4))[..., None], dark, light))
