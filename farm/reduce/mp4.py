"""An MP4, frame by frame: H.264 in yuv420p with BT.709 colours, which plays everywhere."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc

from farm.records import Mp4Spec, Pixels

_THREADS = 1
"""Fixed, as the bytes of x264 depend on it; one leaves the other cores to rendering."""

_LOOKAHEAD = {
    "ultrafast": 0,
    "superfast": 0,
    "veryfast": 10,
    "faster": 20,
    "fast": 30,
    "medium": 40,
    "slow": 50,
}
_MAX_LOOKAHEAD = 60
"""Frames that x264 buffers with the other presets."""

_BUFFERED_PIXELS = 40 * 2**22
"""Maximum of all buffered frames: large frames get a shorter lookahead; at 8192x4352 the encoder takes 1.5 GB
(measured)."""

_X264 = "mbtree=0"
"""x264's macroblock tree reads uninitialized memory (seen with AVX-512, at most widths): the same frames gave different
bytes in about one of a hundred files."""


class Mp4Writer:
    """Encodes frames to a local file as they arrive. The file is complete after `close`.

    4:2:0 needs even sizes: an odd width or height gets one more pixel, a copy of the edge.
    """

    def __init__(self, path: Path, spec: Mp4Spec) -> None:
        self._path = path
        self._spec = spec
        self._rate = Fraction(spec.fps).limit_denominator(100_000)
        self._container: Any = None
        self._stream: Any = None
        self._count = 0

    def add(self, pixels: Pixels) -> None:
        """Append a frame, which plays for exactly 1 / fps seconds."""
        picture = _even(pixels)
        if self._container is None:
            self._open(width=picture.shape[1], height=picture.shape[0])
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(
            format="yuv420p",
            dst_colorspace=Colorspace.ITU709,
            src_color_range=ColorRange.JPEG,
            dst_color_range=ColorRange.MPEG,
        )
        frame.pts, frame.time_base = self._count, 1 / self._rate
        self._count += 1
        self._container.mux(self._stream.encode(frame))

    def close(self) -> None:
        """Write the buffered frames, and the index at the start of the file."""
        if self._container is not None:
            self._container.mux(self._stream.encode(None))
            self._container.close()

    def _open(self, *, width: int, height: int) -> None:
        # With the default scale of 1/1000 s the edit list would shorten the last of 5 frames at 30 fps.
        layout = {"movflags": "+faststart", "movie_timescale": str(self._rate.numerator)}
        self._container = av.open(str(self._path), "w", format="mp4", options=layout)
        options = {"crf": str(self._spec.crf), "preset": self._spec.preset, "x264-params": _X264}
        lookahead = _BUFFERED_PIXELS // (width * height)
        if lookahead < _LOOKAHEAD.get(self._spec.preset, _MAX_LOOKAHEAD):
            options["x264-params"] += f":rc-lookahead={lookahead}"
        self._stream = self._container.add_stream("libx264", rate=self._rate, options=options)
        self._stream.width, self._stream.height, self._stream.pix_fmt = width, height, "yuv420p"
        context = self._stream.codec_context
        context.time_base = 1 / self._rate
        context.thread_count = _THREADS
        context.color_range = ColorRange.MPEG
        context.colorspace = Colorspace.ITU709
        context.color_primaries = ColorPrimaries.BT709
        context.color_trc = ColorTrc.BT709


def _even(pixels: Pixels) -> Pixels:
    height, width, _ = pixels.shape
    if height % 2 == 0 and width % 2 == 0:
        return np.ascontiguousarray(pixels)
    return np.pad(pixels, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
