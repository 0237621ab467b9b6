from __future__ import annotations

import numpy as np
import pytest

from farm.analyze.metrics.image import flicker, is_blank, perceptual_change, rgb_change
from farm.records import Pixels


def _grey(level: int, side: int = 16) -> Pixels:
    return np.full((side, side, 3), level, dtype=np.uint8)


def _noise(seed: int, side: int = 64) -> Pixels:
    return np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)


def test_black_to_white_is_the_full_range() -> None:
    assert rgb_change(_grey(0), _grey(255)) == 1
    assert rgb_change(_grey(255), _grey(0)) == 1


def test_a_fifth_of_the_range_in_half_of_the_picture_is_a_fifth_over_root_two() -> None:
    half = _grey(0)
    half[:8] = 51
    assert rgb_change(_grey(0), half) == pytest.approx(0.2 / np.sqrt(2))


def test_a_picture_halfway_between_its_neighbours_does_not_flicker() -> None:
    assert flicker(_grey(100), _grey(110), _grey(120)) == 0
    assert rgb_change(_grey(100), _grey(110)) > 0


def test_a_picture_between_equal_neighbours_flickers_by_its_full_difference() -> None:
    assert flicker(_grey(100), _grey(151), _grey(100)) == pytest.approx(0.2)


def test_the_same_picture_has_no_perceptual_change() -> None:
    assert perceptual_change(_noise(1), _noise(1)) == 0


def test_perceptual_change_is_ssim_as_its_authors_define_it() -> None:
    """Two flat pictures have no structure: only the comparison of means is left, (2ab + c) / (a² + b² + c)."""
    a, b, c = 0.2, 0.6, 0.01**2
    ssim = (2 * a * b + c) / (a**2 + b**2 + c)
    assert perceptual_change(_grey(51), _grey(153)) == pytest.approx((1 - ssim) / 2, abs=1e-4)


def test_an_inverted_picture_changes_more_than_another_one() -> None:
    picture = _noise(1)
    other, inverted = perceptual_change(picture, _noise(2)), perceptual_change(picture, 255 - picture)
    assert other == pytest.approx(0.5, abs=0.02)
    assert 0.9 < inverted <= 1


def test_a_large_picture_is_averaged_down_before_it_is_compared() -> None:
    """At 512 pixels two by two become one: a checkerboard is as grey as its inverse."""
    rows, columns = np.indices((512, 512))
    board = np.repeat(((rows + columns) % 2 * 255).astype(np.uint8)[..., None], 3, axis=2)
    assert perceptual_change(board, 255 - board) == pytest.approx(0, abs=1e-6)
    assert perceptual_change(board[:64, :64], 255 - board[:64, :64]) > 0.9


def test_the_smallest_frames_can_be_compared() -> None:
    assert perceptual_change(_grey(0, 8), _grey(255, 8)) == pytest.approx(0.5, abs=1e-3)


def test_a_picture_of_one_colour_is_blank() -> None:
    nearly = _grey(7)
    nearly[3, 4, 1] = 8
    assert is_blank(_grey(7))
    assert not is_blank(nearly)
