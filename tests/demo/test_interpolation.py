import numpy as np
import pytest
from PIL import Image

from farm.demo.drawings import scene_at
from farm.demo.interpolation import largest_jump, roughness
from farm.demo.world import draw


def test_noise_is_far_rougher_than_any_drawn_picture() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    drawn = [roughness(draw(scene_at("train", 1, index), index)) for index in range(100)]
    assert roughness(Image.fromarray(noise)) == pytest.approx(1 / 3, abs=0.01)
    assert max(drawn) < 0.08


def test_equal_frames_do_not_jump() -> None:
    frame = Image.new("RGB", (8, 8), (10, 20, 30))
    assert largest_jump([frame, frame, frame]) == 0


def test_the_largest_jump_is_that_between_the_two_most_different_neighbours() -> None:
    black, grey, white = (Image.new("RGB", (8, 8), (level,) * 3) for level in (0, 51, 255))
    assert largest_jump([black, grey, white]) == pytest.approx(0.8)
