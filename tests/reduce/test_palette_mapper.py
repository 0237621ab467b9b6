from fractions import Fraction

import av
import numpy as np
import pytest

from farm.records import GifSpec
from farm.reduce import gif
from farm.reduce.gif import PaletteMapper, PaletteSampler


def mapper(frames, palette):
    spec = GifSpec(fps=10.0, rubber_band=False, loop=True, colors=256, palette=palette, dither=True, scale=1)
    sampler = PaletteSampler(len(frames))
    for index, pixels in enumerate(frames):
        sampler.add(index, pixels)
    return PaletteMapper(spec, sampler.palette(256) if palette == "global" else None)


def rgb(pixels, pts):
    frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
    frame.pts, frame.time_base = pts, Fraction(1, 100)
    return frame


@pytest.mark.parametrize("palette", ["global", "per_frame"])
@pytest.mark.parametrize("pixels_per_graph", [0, 2**21])
def test_every_frame_keeps_its_colors_and_its_timestamp(draw, monkeypatch, palette, pixels_per_graph):
    monkeypatch.setattr(gif, "_PIXELS_PER_GRAPH", pixels_per_graph)
    frames = [draw(index) for index in range(6)]
    made = mapper(frames, palette)
    for index, pixels in enumerate(frames):
        frame = made.map(rgb(pixels, 7 * index))
        assert (frame.format.name, frame.pts) == ("pal8", 7 * index)
        shown = frame.reformat(format="rgb24").to_ndarray().astype(int)
        assert np.abs(shown - pixels).mean() < 4


def test_static_content_is_not_dithered_again(draw):
    still = draw(0)
    moved = still.copy()
    moved[:8, :8] = 255
    made = mapper([still, moved], "global")
    first, second = (made.map(rgb(pixels, pts)).to_ndarray()[0] for pts, pixels in enumerate((still, moved)))
    assert (first[8:] == second[8:]).all()
    assert (first[:, 8:] == second[:, 8:]).all()
