import numpy as np
import pytest
from PIL import Image

from farm.records import GifSpec
from farm.reduce.gif import GifWriter, PaletteSampler, playing_order


def write(path, frames, **settings):
    defaults = {"fps": 10.0, "rubber_band": False, "loop": True, "colors": 256, "palette": "global"}
    spec = GifSpec(**(defaults | {"dither": True, "scale": 1} | settings))
    sampler = PaletteSampler(len(frames))
    for index, pixels in enumerate(frames):
        sampler.add(index, pixels)
    writer = GifWriter(path, spec, sampler.palette(spec.colors) if spec.palette == "global" else None)
    for pixels in frames:
        writer.add(pixels)
    writer.close()
    return Image.open(path)


def durations(gif):
    times = []
    for index in range(gif.n_frames):
        gif.seek(index)
        times.append(gif.info["duration"])
    return times


def pictures(gif):
    for index in range(gif.n_frames):
        gif.seek(index)
        yield np.asarray(gif.convert("RGB")).astype(int)


@pytest.mark.parametrize(
    ("count", "forwards", "rubber_band"),
    [
        (1, [0], [0]),
        (2, [0, 1], [0, 1]),
        (3, [0, 1, 2], [0, 1, 2, 1]),
        (5, [0, 1, 2, 3, 4], [0, 1, 2, 3, 4, 3, 2, 1]),
    ],
)
def test_a_rubber_band_plays_back_without_repeating_either_end(count, forwards, rubber_band):
    assert list(playing_order(range(count), rubber_band=False)) == forwards
    assert list(playing_order(range(count), rubber_band=True)) == rubber_band


def test_a_rubber_band_of_no_frames_is_empty():
    assert list(playing_order([], rubber_band=True)) == []


@pytest.mark.parametrize(
    ("fps", "expected"),
    [
        (10.0, [100, 100, 100, 100, 100, 100, 100]),
        (30.0, [30, 40, 30, 30, 40, 30, 30]),
        (24.0, [40, 40, 40, 50, 40, 40, 40]),
        (50.0, [20, 20, 20, 20, 20, 20, 20]),
        (0.5, [2000, 2000, 2000, 2000, 2000, 2000, 2000]),
    ],
)
def test_every_frame_even_the_last_ends_at_the_exact_tick_of_the_next(tmp_path, draw, fps, expected):
    assert durations(write(tmp_path / "a.gif", [draw(index) for index in range(7)], fps=fps)) == expected


def test_a_second_at_any_rate_takes_a_second(tmp_path, draw):
    gif = write(tmp_path / "a.gif", [draw(index) for index in range(48)], fps=48.0)
    assert sum(durations(gif)) == 1000


@pytest.mark.parametrize("palette", ["global", "per_frame"])
def test_repeated_frames_keep_their_duration(tmp_path, draw, palette):
    gif = write(tmp_path / "a.gif", [draw(0)] * 4 + [draw(9)] + [draw(9)], palette=palette)
    assert durations(gif) == [100] * 6


@pytest.mark.parametrize("palette", ["global", "per_frame"])
@pytest.mark.parametrize("dither", [True, False])
def test_every_frame_looks_like_its_source(tmp_path, draw, palette, dither):
    sources = [draw(index) for index in range(30)]
    gif = write(tmp_path / "a.gif", sources, palette=palette, dither=dither)
    differences = [
        np.abs(shown - source).mean() for shown, source in zip(pictures(gif), sources, strict=True)
    ]
    assert max(differences) < 4, f"mean absolute difference {max(differences):.2f}, allowed 4"


def test_flat_colors_are_kept_exactly(tmp_path):
    sources = [np.full((16, 16, 3), color, np.uint8) for color in [(255, 255, 255), (0, 0, 0), (12, 200, 99)]]
    for shown, source in zip(pictures(write(tmp_path / "a.gif", sources)), sources, strict=True):
        assert (shown == source).all()


def test_a_palette_per_frame_is_closer_where_colors_change_along_the_way(tmp_path):
    random = np.random.default_rng(0)
    sources = [(60 * index + random.integers(0, 40, (64, 64, 3))).astype(np.uint8) for index in range(4)]
    errors = {}
    for palette in ("global", "per_frame"):
        shown = pictures(write(tmp_path / f"{palette}.gif", sources, palette=palette, dither=False))
        errors[palette] = np.mean(
            [np.abs(one - source).mean() for one, source in zip(shown, sources, strict=True)]
        )
    assert errors["per_frame"] < errors["global"]


def test_a_gif_repeats_forever_with_loop_and_plays_once_without(tmp_path, draw):
    frames = [draw(0), draw(1)]
    assert write(tmp_path / "a.gif", frames, loop=True).info["loop"] == 0
    assert "loop" not in write(tmp_path / "b.gif", frames, loop=False).info


@pytest.mark.parametrize("palette", ["global", "per_frame"])
def test_no_more_colors_are_used_than_requested(tmp_path, draw, palette):
    gif = write(tmp_path / "a.gif", [draw(index) for index in range(5)], colors=8, palette=palette)
    for shown in pictures(gif):
        assert len(np.unique(shown.reshape(-1, 3), axis=0)) <= 8


def test_scale_enlarges_smoothly(tmp_path, draw):
    gif = write(tmp_path / "a.gif", [draw(0), draw(1)], scale=4)
    assert gif.size == (256, 256)
    expected = Image.fromarray(draw(0)).resize((256, 256), Image.Resampling.BICUBIC)
    assert np.abs(next(pictures(gif)) - np.asarray(expected)).mean() < 4


def test_static_content_is_stored_once(tmp_path, draw):
    one = write(tmp_path / "a.gif", [draw(0)] * 2).fp.name
    many = write(tmp_path / "b.gif", [draw(0)] * 50).fp.name
    assert (tmp_path / many).stat().st_size < (tmp_path / one).stat().st_size + 50 * 64


def test_the_same_frames_give_the_same_bytes(tmp_path, draw):
    frames = [draw(index) for index in range(10)]
    write(tmp_path / "a.gif", frames)
    write(tmp_path / "b.gif", frames)
    assert (tmp_path / "a.gif").read_bytes() == (tmp_path / "b.gif").read_bytes()


def test_a_single_frame_is_a_gif_too(tmp_path, draw):
    gif = write(tmp_path / "a.gif", [draw(3)])
    assert gif.n_frames == 1
    assert np.abs(next(pictures(gif)) - draw(3)).mean() < 4
