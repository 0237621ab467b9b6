from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest

from farm.analyze.insights.outliers import outliers
from farm.analyze.metrics.image import flicker, rgb_change
from farm.records import Pixels, Value
from tests.analyze.insights.curves import Array, found_in, texts, values


def _curves(levels: Sequence[float] | Array, noise: float = 1.0) -> tuple[Array, Array]:
    """Return change and flicker of grey pictures with a little noise of their own."""
    random = np.random.default_rng(3)
    pictures: list[Pixels] = [
        np.clip(level + random.normal(0, noise, (8, 8, 3)), 0, 255).astype(np.uint8) for level in levels
    ]
    change = [np.nan, *(rgb_change(a, b) for a, b in pairwise(pictures))]
    between = zip(pictures, pictures[1:], pictures[2:], strict=False)
    back_and_forth = [np.nan, *(flicker(a, b, c) for a, b, c in between), np.nan]
    return np.array(change), np.array(back_and_forth[: len(levels)])


def test_a_frame_unlike_both_neighbours_is_an_outlier() -> None:
    levels = np.linspace(60, 120, 100)
    levels[40] += 60
    assert outliers(*_curves(levels)) == (40,)


def test_two_separate_frames_are_two_outliers() -> None:
    levels = np.full(100, 100.0)
    levels[[20, 70]] = (0, 255)
    assert outliers(*_curves(levels)) == (20, 70)


def test_a_single_flash_in_a_still_animation_is_found() -> None:
    levels = np.full(100, 100.0)
    levels[50] = 180
    assert outliers(*_curves(levels, noise=0)) == (50,)


@pytest.mark.parametrize("frames_of_change", [1, 2, 3, 5, 10, 30])
def test_a_cut_or_a_fast_but_steady_change_is_not_an_outlier(frames_of_change: int) -> None:
    levels = np.interp(np.arange(100), [40, 40 + frames_of_change], [40, 200])
    assert outliers(*_curves(levels)) == ()


def test_noise_alone_has_no_outliers() -> None:
    assert outliers(*_curves(np.full(200, 100.0), noise=10)) == ()


def test_an_invisible_change_is_not_an_outlier() -> None:
    levels = np.full(100, 100.0)
    levels[50] = 102
    assert outliers(*_curves(levels, noise=0)) == ()


@pytest.mark.parametrize("frames", [0, 1, 2])
def test_fewer_than_three_frames_have_no_outliers(frames: int) -> None:
    assert outliers(*_curves([0.0, 255.0][:frames])) == ()


def test_a_frame_next_to_an_unmeasured_one_is_not_an_outlier() -> None:
    levels = np.full(100, 100.0)
    levels[50] = 180
    change, back_and_forth = _curves(levels)
    change[51] = np.nan
    assert outliers(change, back_and_forth) == ()


def test_outliers_and_blank_frames_are_named() -> None:
    levels = np.full(100, 100.0)
    levels[50] = 180
    change, back_and_forth = map(values, _curves(levels))
    blank: list[Value] = [frame in (3, 7) for frame in range(100)]
    found = found_in({}, rgb_change=change, flicker=back_and_forth, blank=blank)
    assert (found.outliers, found.blank) == ((50,), (3, 7))
    assert texts(found)[-2:] == ["Frame 50 stands out from both its neighbours.", "Frames 3 and 7 are blank."]


def test_the_first_ten_of_many_blank_frames_are_named() -> None:
    found = found_in({}, blank=[True] * 13)
    assert texts(found) == ["Frames 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 3 more are blank."]
    assert found.sentences[0].frames == tuple(range(10))
