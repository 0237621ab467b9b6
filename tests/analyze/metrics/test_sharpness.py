from __future__ import annotations

import cv2
import numpy as np
import pytest

from farm.analyze import sharpness
from farm.records import Pixels


def _noise(seed: int, side: int = 32) -> Pixels:
    return np.random.default_rng(seed).integers(0, 256, (side, side + 8, 3), dtype=np.uint8)


def test_a_picture_of_one_colour_has_no_sharpness() -> None:
    assert sharpness(np.full((16, 16, 3), (200, 31, 7), np.uint8)) == 0


def test_it_is_the_variance_of_opencvs_laplacian_of_the_brightness() -> None:
    pixels = _noise(1)
    grey = pixels @ np.array([0.299, 0.587, 0.114])
    assert sharpness(pixels) == pytest.approx(cv2.Laplacian(grey, cv2.CV_64F).var())


def test_one_edge_has_the_sharpness_computed_by_hand() -> None:
    """Half black, half grey of 100: the Laplacian is 100 on one side of the edge, -100 on the other, 0 elsewhere."""
    edge = np.zeros((8, 8, 3), np.uint8)
    edge[:, 4:] = 100
    assert sharpness(edge) == pytest.approx(100**2 * 2 / 8)


def test_a_blurred_picture_is_less_sharp() -> None:
    pixels = _noise(2)
    assert sharpness(np.asarray(cv2.GaussianBlur(pixels, (5, 5), 1), np.uint8)) < sharpness(pixels) / 10
