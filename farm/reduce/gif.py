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
from farm.reduce.palette import entries

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
    interpolation: of the four that Pillow has, it looked best on 64-pixel drawings (nearest shows its blocks,
    Lanczos rings beside hard edges). Dithering is by error diffusion (Sierra-2-4A), whose local means came
    closest to the source; ordered (Bayer) patterns showed.
    """

    def __init__(self, path: Path, spec: GifSpec, palette: Any) -> None:
        self._path = path
        self._spec = spec
        self._palette = palette
        self._container: Any = None
        self._stream: Any = None
        self._graph: Any = None
        self._source: Any = None
        self._sink: Any = None
        self._added = 0
        self._written = 0

    def add(self, pixels: Pixels) -> None:
        """Append a frame."""
        picture = _enlarged(pixels, self._spec.scale)
        if self._container is None:
            self._open(width=picture.shape[1], height=picture.shape[0])
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
        frame.pts, frame.time_base = start(self._added, self._spec.fps), _TICK
        self._added += 1
        self._source.push(frame)
        self._drain()

    def close(self) -> None:
        """Write what the filters and the encoder still hold."""
        if self._container is not None:
            self._source.push(None)
            self._drain()
            self._mux(self._stream.encode(None))
            self._container.close()

    def _open(self, *, width: int, height: int) -> None:
        # PyAV's filters hold their graph weakly: without a name it is freed, and the next push crashes.
        self._graph = av.filter.Graph()
        self._source, self._sink = self._filters(self._graph, width, height)
        loop = {"loop": "0" if self._spec.loop else "-1"}
        self._container = av.open(str(self._path), "w", format="gif", options=loop)
        self._stream = self._container.add_stream("gif", rate=1 / _TICK)
        self._stream.width, self._stream.height, self._stream.pix_fmt = width, height, "pal8"
        self._stream.codec_context.time_base = _TICK

    def _filters(self, graph: Any, width: int, height: int) -> tuple[Any, Any]:
        """Build the way from RGB to indexed pictures and return its two ends."""
        dither = "sierra2_4a" if self._spec.dither else "none"
        source = graph.add_buffer(width=width, height=height, format="rgb24", time_base=_TICK)
        sink = graph.add("buffersink")
        if self._palette is None:
            split = graph.add("split")
            generator = graph.add("palettegen", f"stats_mode=single:max_colors={entries(self._spec.colors)}")
            user = graph.add("paletteuse", f"new=1:dither={dither}")
            source.link_to(split)
            split.link_to(user, 0, 0)
            split.link_to(generator, 1, 0)
            generator.link_to(user, 0, 1)
        else:
            palette = graph.add_buffer(width=16, height=16, format=self._palette.format.name, time_base=_TICK)
            # What did not change is not dithered anew: still parts stay still, and the file small.
            user = graph.add("paletteuse", f"diff_mode=rectangle:dither={dither}")
            source.link_to(user, 0, 0)
            palette.link_to(user, 0, 1)
        user.link_to(sink)
        graph.configure()
        if self._palette is not None:
            palette.push(self._palette)
            palette.push(None)
        return source, sink

    def _drain(self) -> None:
        while True:
            try:
                frame = self._sink.pull()
            except (av.error.BlockingIOError, av.error.EOFError):
                return
            self._mux(self._stream.encode(frame))

    def _mux(self, packets: Sequence[Any]) -> None:
        for packet in packets:
            # The last frame's time is its packet's duration; every other's is the next one's start.
            next_start = start(self._written + 1, self._spec.fps)
            packet.duration = next_start - start(self._written, self._spec.fps)
            self._written += 1
            self._container.mux(packet)


def _enlarged(pixels: Pixels, scale: int) -> Pixels:
    if scale == 1:
        return np.ascontiguousarray(pixels)
    height, width, _ = pixels.shape
    image = Image.fromarray(pixels).resize((width * scale, height * scale), Image.Resampling.BICUBIC)
    return np.asarray(image)
