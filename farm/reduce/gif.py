"""An animated GIF, frame by frame, each frame at its exact time.

Pillow would keep every frame in memory until the end, and drop repeated ones; FFmpeg's encoder streams, and stores only
the rectangle that changed. Colours become palette entries in two steps: `PaletteSampler` finds one palette for the
animation, `PaletteMapper` maps frames to it.
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

_TICK = Fraction(1, 100)
"""The unit of GIF's frame delays, in seconds."""

_SAMPLE = 2**20
"""Pixels of all frames together from which a palette is computed."""

_SAMPLE_WIDTH = 1024
"""Width of the picture that holds the sample."""

_PIXELS_PER_GRAPH = 2**22
"""FFmpeg's paletteuse caches every distinct colour: a new graph every so many pixels limits its memory for animations
of any length."""


class GifWriter:
    """Encodes frames to a local file as they arrive. The file is complete after `close`.

    `palette` is for all frames (see `PaletteSampler`); with None each frame gets its own. `scale` enlarges by bicubic
    interpolation, which looked best on 64-pixel drawings: nearest neighbour shows blocks, Lanczos rings at hard edges.
    """

    def __init__(self, path: Path, spec: GifSpec, palette: Any) -> None:
        self._path = path
        self._spec = spec
        self._mapper = PaletteMapper(spec, palette)
        self._container: Any = None
        self._stream: Any = None
        self._count = 0

    def add(self, pixels: Pixels) -> None:
        """Append a frame."""
        picture = _enlarged(pixels, self._spec.scale)
        if self._container is None:
            self._open(width=picture.shape[1], height=picture.shape[0])
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
        frame.pts, frame.time_base = start_tick(self._count, self._spec.fps), _TICK
        self._count += 1
        for packet in self._stream.encode(self._mapper.map(frame)):
            # A frame is shown until the next one starts, the last one for the duration of its packet.
            packet.duration = start_tick(self._count, self._spec.fps) - frame.pts
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


class PaletteSampler:
    """Samples pixels of every frame, about a million in total, or all pixels of a small animation.

    FFmpeg's palettegen keeps every distinct colour, so its memory grows with the frames; from this sample
    it finds a palette as good (mean error within 0.1% on test clips). The sample is seeded by the frame's index, so the
    palette depends on the frames alone.
    """

    def __init__(self, frame_count: int) -> None:
        self._share = max(1, _SAMPLE // frame_count)
        self._pixels = np.empty((self._share * frame_count, 3), np.uint8)
        self._filled = 0

    def add(self, index: int, pixels: Pixels) -> None:
        """Sample the pixels of a frame."""
        sampled = pixels.reshape(-1, 3)
        if len(sampled) > self._share:
            sampled = sampled[np.random.default_rng(index).integers(len(sampled), size=self._share)]
        self._pixels[self._filled : self._filled + len(sampled)] = sampled
        self._filled += len(sampled)

    def palette(self, colors: int) -> Any:
        """Return a 16 x 16 picture of at most `colors` colours, 2 to 256.

        One of the 256 entries is transparent, for pixels that do not change between frames, so 256 gives 255.
        """
        rows = -(-self._filled // _SAMPLE_WIDTH)
        picture = np.resize(self._pixels[: self._filled], (rows, _SAMPLE_WIDTH, 3))
        graph = av.filter.Graph()
        source = graph.add_buffer(width=_SAMPLE_WIDTH, height=rows, format="rgb24", time_base=_TICK)
        generator = graph.add("palettegen", f"max_colors={entries(colors)}")
        sink = graph.add("buffersink")
        graph.link_nodes(source, generator, sink).configure()
        source.push(av.VideoFrame.from_ndarray(picture, format="rgb24"))
        source.push(None)
        palette = sink.pull()
        palette.time_base = _TICK
        return palette


class PaletteMapper:
    """Maps frames of one size to a palette, or each to a palette of its own if `palette` is None.

    Dithering is by error diffusion (Sierra-2-4A): its local means were closest to the source in a comparison on
    64-pixel drawings, on which ordered (Bayer) patterns are visible.
    """

    def __init__(self, spec: GifSpec, palette: Any) -> None:
        self._colors = spec.colors
        self._dither = "sierra2_4a" if spec.dither else "none"
        self._palette = palette
        self._graph: Any = None
        self._source: Any = None
        self._sink: Any = None
        self._pixels = 0

    def map(self, frame: Any) -> Any:
        """Return an RGB frame as pal8, with the same timestamp."""
        if self._graph is None or self._pixels > _PIXELS_PER_GRAPH:
            # PyAV's filters reference their graph weakly: without a reference it is freed, and the next push crashes.
            self._graph = av.filter.Graph()
            self._source = self._graph.add_buffer(template=frame)
            self._sink = self._graph.add("buffersink")
            self._palette_per_frame() if self._palette is None else self._shared_palette()
            self._pixels = 0
        self._pixels += frame.width * frame.height
        self._source.push(frame)
        return self._sink.pull()

    def _palette_per_frame(self) -> None:
        split = self._graph.add("split")
        generator = self._graph.add("palettegen", f"stats_mode=single:max_colors={entries(self._colors)}")
        user = self._graph.add("paletteuse", f"new=1:dither={self._dither}")
        self._graph.link_nodes(self._source, split, user, self._sink)
        split.link_to(generator, 1, 0)
        generator.link_to(user, 0, 1)
        self._graph.configure()

    def _shared_palette(self) -> None:
        palette = self._graph.add_buffer(template=self._palette)
        # Only the changed rectangle is dithered: static parts stay static, and the file small.
        user = self._graph.add("paletteuse", f"diff_mode=rectangle:dither={self._dither}")
        self._graph.link_nodes(self._source, user, self._sink)
        palette.link_to(user, 0, 1)
        self._graph.configure()
        palette.push(self._palette)
        palette.push(None)


def playing_order(frames: Sequence[int], *, rubber_band: bool) -> Iterator[int]:
    """Yield frames in playing order: forwards, then with `rubber_band` backwards without repeating either end."""
    yield from frames
    if rubber_band:
        yield from (frames[position] for position in range(len(frames) - 2, 0, -1))


def start_tick(position: int, fps: float) -> int:
    """Return the tick (1/100 s) at which the frame at `position` starts; rounding errors do not accumulate."""
    return round(100 * position / fps)


def entries(colors: int) -> int:
    """Return the number of palette entries for `colors` colours: one more for transparency, up to 256."""
    return min(256, colors + 1)


def _enlarged(pixels: Pixels, scale: int) -> Pixels:
    if scale == 1:
        return np.ascontiguousarray(pixels)
    height, width, _ = pixels.shape
    image = Image.fromarray(pixels).resize((width * scale, height * scale), Image.Resampling.BICUBIC)
    return np.asarray(image)
