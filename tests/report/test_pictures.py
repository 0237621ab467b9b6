import io

import numpy as np
import pytest
from PIL import Image

from farm.report.pictures import GRADES, encode, encode_within, fitting_grade, reduced


def noise(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def smooth(side):
    ramp = np.linspace(0, 255, side).astype(np.uint8)
    return np.stack(np.broadcast_arrays(ramp[:, None], ramp[None, :], np.uint8(128)), axis=-1).copy()


def test_a_small_picture_that_fits_keeps_every_pixel():
    pixels = noise(64, 48)
    position = fitting_grade([pixels], 20_000)
    picture = encode(7, pixels, GRADES[position])
    assert (picture.frame, picture.width, picture.height) == (7, 48, 64)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(picture.webp)).convert("RGB")), pixels)


def test_a_large_picture_is_reduced_with_its_aspect_ratio():
    picture = encode(0, smooth(2048)[:1024], GRADES[fitting_grade([smooth(2048)], 1e9)])
    assert (picture.width, picture.height) == (1024, 512)


def test_no_picture_is_enlarged():
    picture = encode(0, smooth(300), GRADES[1])
    assert (picture.width, picture.height) == (300, 300)


def test_pictures_that_compress_badly_get_a_lower_grade():
    assert fitting_grade([noise(512, 512)], 50_000) > fitting_grade([smooth(512)], 50_000)


@pytest.mark.parametrize("limit", [100_000, 20_000, 5_000])
def test_even_noise_fits(limit):
    assert len(encode_within(0, noise(512, 512), 0, limit).webp) <= limit


def test_the_last_grade_of_noise_takes_no_more_than_3_kb():
    assert len(encode(0, noise(4096, 4096), GRADES[-1]).webp) < 3_000


def test_a_sampled_picture_is_no_larger_than_the_largest_grade():
    assert reduced(smooth(4096)).shape == (1024, 1024, 3)
    assert np.array_equal(reduced(noise(64, 64)), noise(64, 64))


def test_an_extreme_aspect_ratio_keeps_at_least_a_pixel():
    picture = encode(0, noise(1, 8192), GRADES[1])
    assert (picture.width, picture.height) == (1024, 1)
