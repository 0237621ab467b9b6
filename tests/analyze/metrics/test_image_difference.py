from __future__ import annotations

import numpy as np
import pytest

from farm.analyze import image_difference
from farm.analyze.metrics.image import perceptual_change


def test_pictures_differ_in_colour_values_and_perceptually() -> None:
    dark, light = (np.full((16, 16, 3), level, np.uint8) for level in (51, 153))
    found = image_difference(dark, light)
    assert found is not None
    assert found.rgb == pytest.approx(0.4)
    assert found.perceptual == perceptual_change(dark, light) > 0


def test_a_picture_does_not_differ_from_itself() -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (16, 24, 3), dtype=np.uint8)
    found = image_difference(pixels, pixels.copy())
    assert found is not None
    assert (found.rgb, found.perceptual) == (0, pytest.approx(0, abs=1e-6))


def test_pictures_of_two_sizes_are_not_compared() -> None:
    assert image_difference(np.zeros((16, 16, 3), np.uint8), np.zeros((16, 24, 3), np.uint8)) is None
