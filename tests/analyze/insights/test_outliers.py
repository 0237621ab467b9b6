from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest

from farm.analyze.insights.outliers import outliers
from farm.analyze.metrics.image import flicker, rgb_change
from farm.records import Pixels, Value
from tests.analyze.insights.curves import Array, texts, told, values


def _curves(levels: Sequence[float] | Array, noise: float = 1.0) -> tuple[Array, Array]:
    """Returns change and flicker of grey pictures with a little noise of their own."""
    random = np.random.default_rng(3)
    pictures: list[Pixels] = [
        np.clip(level + random.normal(0, noise, (8, 8, 3)), 0, 255).astype(np.uint8) for level in levels
    ]
    change = [np.nan, *(rgb_change(a, b) for a, b in pairwise(pictures))]
    between = zip(pictures, pictures[1:], pictures[2:], strict=False)
    back_and_forth = [np.nan, *(flicker(a, b, c) for a, b, c in between), np.nan]
    return np.array(change), np.array(back_and_forth[: len(levels)])


def test_a_frame_like_neither_neighbour_is_an_outlier() -> None:
    levels = np.linspace(60, 120, 100)
    levels[40] += 60
    assert outliers(*_curves(levels)) == (40,)


def test_two_frames_of_which_each_stands_alone_are_two_outliers() -> None:
    levels = np.full(100, 100.0)
    levels[[20, 70]] = (0, 255)
    assert outliers(*_curves(levels)) == (20, 70)


def test_a_single_flash_in_an_animation_that_stands_still_is_found() -> None:
    levels = np.full(100, 100.0)
    levels[50] = 180
    assert outliers(*_curves(levels, noise=0)) == (50,)


@pytest.mark.parametrize("frames_of_change", [1, 2, 3, 5, 10, 30])
def test_a_cut_or_a_fast_but_steady_change_is_none(frames_of_change: int) -> None:
    levels = np.interp(np.arange(100), [40, 40 + frames_of_change], [40, 200])
    assert outliers(*_curves(levels)) == ()


def test_noise_alone_is_none() -> None:
    assert outliers(*_curves(np.full(200, 100.0), noise=10)) == ()


def test_what_nobody_sees_is_none() -> None:
    levels = np.full(100, 100.0)
    levels[50] = 102
    assert outliers(*_curves(levels, noise=0)) == ()


@pytest.mark.parametrize("frames", [0, 1, 2])
def test_fewer_than_three_frames_have_none(frames: int) -> None:
    assert outliers(*_curves([0.0, 255.0][:frames])) == ()


def test_a_frame_beside_one_that_was_not_measured_is_not_judged() -> None:
    levels = np.full(100, 100.0)
    levels[50] = 180
    change, back_and_forth = _curves(levels)
    change[51] = np.nan
    assert outliers(change, back_and_forth) == ()


def test_outliers_and_blank_frames_are_told() -> None:
    levels = np.full(100, 100.0)
    levels[50] = 180
    change, back_and_forth = map(values, _curves(levels))
    blank: list[Value] = [frame in (3, 7) for frame in range(100)]
    found = told({}, rgb_change=change, flicker=back_and_forth, blank=blank)
    assert (found.outliers, found.blank) == ((50,), (3, 7))
    assert texts(found)[-2:] == ["Frame 50 stands out from both its neighbours.", "Frames 3 and 7 are blank."]


def test_of_many_blank_frames_the_first_ten_are_named() -> None:
    found = told({}, blank=[True] * 13)
    assert texts(found) == ["Frames 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 3 more are blank."]
    assert found.sentences[0].frames == tuple(range(10))
