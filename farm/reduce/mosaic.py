"""A picture of many pictures. A cell is hatched until its frame is pasted: what is missing shows."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image

from farm.records import Pixels

PAPER = (250, 250, 250)
_MAX_PIXELS = 2**26
"""Most pixels of frames in one picture: few viewers open a larger one."""
_HATCH = ((236, 236, 236), (220, 220, 220))


def fitted(width: int, height: int, *, count: int) -> tuple[int, int]:
    """Return the size of `count` cells for pictures of a size: theirs, or as much less as all can be seen."""
    shrink = min(1.0, math.sqrt(_MAX_PIXELS / (width * height * count)))
    return max(1, int(width * shrink)), max(1, int(height * shrink))


class Mosaic:
    """A canvas of `size` with equal cells; `origins` maps a frame's index to its cell's left and top."""

    def __init__(
        self, *, size: tuple[int, int], cell: tuple[int, int], origins: Mapping[int, tuple[int, int]]
    ) -> None:
        self.canvas = Image.new("RGB", size, PAPER)
        self._cell = cell
        self._origins = origins
        blank = _hatched(*cell)
        for origin in origins.values():
            self.canvas.paste(blank, origin)

    def paste(self, index: int, pixels: Pixels) -> None:
        """Put a frame into its cell, scaled to it; a frame without a cell is left out."""
        if index not in self._origins:
            return
        image = Image.fromarray(pixels)
        if image.size != self._cell:
            image = image.resize(self._cell, Image.Resampling.LANCZOS)
        self.canvas.paste(image, self._origins[index])

    def save(self, path: Path) -> None:
        """Write the canvas as PNG."""
        self.canvas.save(path, format="png")


def _hatched(width: int, height: int) -> Image.Image:
    period = max(6, width // 12)
    y, x = np.mgrid[0:height, 0:width]
    light, dark = (np.array(tone, np.uint8) for tone in _HATCH)
    return Image.fromarray(np.where(((x + y) % period < max(1, period // 4))[..., None], dark, light))
