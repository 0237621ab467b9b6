"""An animated GIF, frame by frame, each frame at its exact time.

Pillow would keep every frame in memory until the end, and drop repeated ones; FFmpeg's encoder streams, and
stores only the rectangle that changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image

from farm.records import GifSpec, Pixels
from farm.reduce.indexing import Indexer

_TICK = Fraction(1, 100)


def playing_order(frames: Sequence[int], *, rubber_band: bool) -> Iterator[int]:
    """Yield frames as they play: forwards, then for a rubber band backwards without either end again."""
    yield from frames
    if rubber_band:
        yield from (frames[place] for place in range(len(frames) - 2, 0, -1))


def start(place: int, fps: float) -> int:
    """Return the tick (1/100 s) at which the frame at `place` appears: rounding errors never add up."""
    return round(100 * place / fps)


class GifWriter:
    """Encodes frames to a local file as they come. The file is whole after `close`, and only then.

    `palette` serves all frames (see `PaletteSurvey`); None makes one for each. `scale` enlarges by bicubic
    interpolation, which looked best on 64-pixel drawings: nearest shows its blocks, Lanczos rings beside hard
    edges.
    """

    def __init__(self, path: Path, spec: GifSpec, palette: Any) -> None:
        self._path = path
        self._spec = spec
        self._indexer = Indexer(spec, palette)
        self._container: Any = None
        self._stream: Any = None
        self._count = 0

    def add(self, pixels: Pixels) -> None:
        """Append a frame."""
        picture = _enlarged(pixels, self._spec.scale)
        if self._container is None:
            self._open(width=picture.shape[1], height=picture.shape[0])
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
        frame.pts, frame.time_base = start(self._count, self._spec.fps), _TICK
        self._count += 1
        for packet in self._stream.encode(self._indexer.indexed(frame)):
            # A frame stays until the next one's start; the last one, for its packet's duration.
            packet.duration = start(self._count, self._spec.fps) - frame.pts
            self._container.mux(packet)

    def close(self) -> None:
        """Write the last frame and the end of the file."""
        if self._container is not None:
            self._container.mux(self._stream.encode(None))
            self._container.close()

    def _open(self, *, width: int, height: int) -> None:
        loop = {"loop": "0" if self._spec.loop else "-1"}
        self._container = av.open(str(self._path), "w", format="gif", options=loop)
        self._stream = self._container.add_stream("gif", rate=1 / _TICK)
        self._stream.width, self._stream.height, self._stream.pix_fmt = width, height, "pal8"
        self._stream.codec_context.time_base = _TICK


def _enlarged(pixels: Pixels, scale: int) -> Pixels:
    if scale == 1:
        return np.ascontiguousarray(pixels)
    height, width, _ = pixels.shape
    image = Image.fromarray(pixels).resize((width * scale, height * scale), Image.Resampling.BICUBIC)
    return np.asarray(image)
