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


_PIXELS_PER_GRAPH = 2**22
"""FFmpeg's paletteuse remembers each distinct colour that it meets: a new graph every so many pixels keeps its
memory small however long the animation."""


class Indexer:
    """Maps frames of one size to a palette for all, or to one of their own each if `palette` is None.

    Dithering is by error diffusion (Sierra-2-4A): its local means came closest to the source in a comparison
    on 64-pixel drawings, where ordered (Bayer) patterns showed.
    """

    def __init__(self, spec: GifSpec, palette: Any) -> None:
        self._colors = spec.colors
        self._dither = "sierra2_4a" if spec.dither else "none"
        self._palette = palette
        self._graph: Any = None
        self._source: Any = None
        self._sink: Any = None
        self._pixels = 0

    def indexed(self, frame: Any) -> Any:
        """Return an RGB frame as pal8, at the same time."""
        if self._graph is None or self._pixels > _PIXELS_PER_GRAPH:
            # PyAV's filters hold their graph weakly: without a name it is freed, and the next push crashes.
            self._graph = av.filter.Graph()
            self._source = self._graph.add_buffer(template=frame)
            self._sink = self._graph.add("buffersink")
            (self._one_each if self._palette is None else self._one_for_all)()
            self._pixels = 0
        self._pixels += frame.width * frame.height
        self._source.push(frame)
        return self._sink.pull()

    def _one_each(self) -> None:
        split = self._graph.add("split")
        generator = self._graph.add("palettegen", f"stats_mode=single:max_colors={entries(self._colors)}")
        user = self._graph.add("paletteuse", f"new=1:dither={self._dither}")
        self._graph.link_nodes(self._source, split, user, self._sink)
        split.link_to(generator, 1, 0)
        generator.link_to(user, 0, 1)
        self._graph.configure()

    def _one_for_all(self) -> None:
        palette = self._graph.add_buffer(template=self._palette)
        # What did not change is not dithered anew: still parts stay still, and the file small.
        user = self._graph.add("paletteuse", f"diff_mode=rectangle:dither={self._dither}")
        self._graph.link_nodes(self._source, user, self._sink)
        palette.link_to(user, 0, 1)
        self._graph.configure()
        palette.push(self._palette)
        palette.push(None)


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
