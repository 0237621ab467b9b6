import numpy as np
import pytest
from PIL import Image

from farm.reduce.grids import Pair, save_side_by_side
from farm.reduce.mosaic import PAPER

RED, BLUE, DARKEST = (200, 0, 0), (0, 0, 200), (35, 10, 50)


def flat(colour, height=64, width=64):
    return np.full((height, width, 3), colour, np.uint8)


def saved(tmp_path, pairs, labels=("one", "other")):
    path = tmp_path / "sheet.png"
    save_side_by_side(path, "one above other", labels, pairs)
    return np.asarray(Image.open(path))


def pair(first, second, caption="frame 0"):
    return Pair(caption=caption, first=first, second=second)


def box(image, colour):
    """Return the top, left, bottom and right of the pixels of a colour."""
    rows, columns = np.nonzero((image == colour).all(axis=-1))
    return rows.min(), columns.min(), rows.max() + 1, columns.max() + 1


def test_the_first_job_is_above_the_second_above_their_difference(tmp_path):
    image = saved(tmp_path, [pair(flat(RED), flat(BLUE))])
    first, second, difference = (box(image, colour) for colour in (RED, BLUE, DARKEST))
    assert first[2] <= second[0] < second[2] <= difference[0]
    assert first[1] == second[1] == difference[1]


def test_pairs_are_columns_in_their_order(tmp_path):
    image = saved(tmp_path, [pair(flat(RED), flat(RED)), pair(flat(BLUE), flat(BLUE))])
    assert box(image, RED)[3] <= box(image, BLUE)[1]


def test_equal_pixels_are_blank_and_the_most_different_ones_darkest(tmp_path):
    differing = flat(RED)
    differing[:32] = BLUE
    image = saved(tmp_path, [pair(flat(RED), differing)])
    top, left, bottom, right = box(image, DARKEST)
    assert (bottom - top, right - left) == pytest.approx((96, 192), abs=6)
    below = image[bottom + 6 : bottom + 90, left:right]
    assert (below == PAPER).all()


def test_jobs_that_do_not_differ_have_an_empty_row_of_differences(tmp_path):
    image = saved(tmp_path, [pair(flat(RED), flat(RED))])
    last = image[box(image, RED)[2] :, box(image, RED)[1] : box(image, RED)[3]]
    assert len(last) > 192
    assert (last == PAPER).all()


def test_all_pairs_share_one_scale(tmp_path):
    """The larger difference is darkest, the smaller one lighter."""
    image = saved(tmp_path, [pair(flat((0, 0, 0)), flat((50, 50, 50))), pair(flat(RED), flat(BLUE))])
    left = box(image, DARKEST)[1]
    assert left >= box(image, BLUE)[1]


@pytest.mark.parametrize(("width", "shown"), [(16, 144), (64, 192), (200, 200), (512, 288)])
def test_small_frames_are_enlarged_by_an_integer_factor_and_large_ones_reduced(tmp_path, width, shown):
    top, left, bottom, right = box(
        saved(tmp_path, [pair(flat(RED, width, width), flat(BLUE, width, width))]), RED
    )
    assert (bottom - top, right - left) == (shown, shown)


def test_pictures_of_two_sizes_have_no_row_of_differences(tmp_path):
    image = saved(tmp_path, [pair(flat(RED), flat(BLUE, 128, 128))])
    top, _, bottom, _ = box(image, BLUE)
    assert bottom - top == 192
    assert len(image) - bottom < 32


@pytest.mark.parametrize("width", [16, 512])
def test_no_text_is_cut(tmp_path, width):
    labels = ("lcm-4 scheduler.class=LCMScheduler num_inference_steps=4", "ddim-25 num_inference_steps=25")
    pairs = [pair(flat(RED, width, width), flat(BLUE, width, width), "frame 37: 0.231, maximum")]
    image = saved(tmp_path, pairs, labels)
    edges = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])
    assert (edges == PAPER).all()
