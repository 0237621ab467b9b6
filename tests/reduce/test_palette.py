import numpy as np
import pytest

from farm.reduce.gif import PaletteSampler


def colors_of(palette):
    entries = palette.to_ndarray(format="rgba").reshape(-1, 4)
    return {tuple(map(int, entry[:3])) for entry in entries if entry[3]}


def flat(*color):
    return np.full((8, 8, 3), color, np.uint8)


def test_few_colors_are_kept_exactly():
    sampler = PaletteSampler(3)
    for index, color in enumerate([(255, 0, 0), (0, 200, 7), (255, 255, 255)]):
        sampler.add(index, flat(*color))
    assert colors_of(sampler.palette(256)) >= {(255, 0, 0), (0, 200, 7), (255, 255, 255)}


def test_one_entry_is_transparent():
    sampler = PaletteSampler(1)
    sampler.add(0, flat(1, 2, 3))
    assert (sampler.palette(256).to_ndarray(format="rgba").reshape(-1, 4)[:, 3] == 0).sum() == 1


@pytest.mark.parametrize("colors", [2, 16, 255])
def test_there_are_as_many_colors_as_requested(colors):
    sampler = PaletteSampler(1)
    sampler.add(0, np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8))
    assert len(colors_of(sampler.palette(colors)) - {(0, 0, 0)}) in (colors - 1, colors)


def test_the_palette_of_more_pixels_than_the_sample_holds_depends_on_the_frames_alone():
    frames = [np.random.default_rng(index).integers(0, 256, (256, 256, 3), np.uint8) for index in range(20)]
    palettes = []
    for _ in range(2):
        sampler = PaletteSampler(20)
        for index, pixels in enumerate(frames):
            sampler.add(index, pixels)
        palettes.append(colors_of(sampler.palette(256)))
    assert palettes[0] == palettes[1]
    assert len(palettes[0]) > 200


def test_skipped_frames_leave_no_trace():
    sampler = PaletteSampler(100)
    sampler.add(7, flat(10, 20, 30))
    assert colors_of(sampler.palette(256)) <= {(10, 20, 30), (0, 0, 0)}
