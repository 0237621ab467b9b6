import random

import numpy as np
import pytest
from PIL import Image

from training.drawing import draw, draw_backdrop, shape_mask
from training.measures import (
    CHROMA_FLOOR,
    fill_colour,
    fill_votes,
    find_shape,
    intersection_over_union,
    largest_jump,
    roughness,
)
from training.scenes import BACKGROUNDS, COLOURS, SHAPES, STYLES, Scene, scene_at

SCENE = Scene(shape="star", colour="red", background="beach", style="watercolor")


def test_the_colour_measure_recognizes_the_fill_of_drawn_pictures() -> None:
    scenes = [scene_at("train" if index % 2 else "held-out", 3, index) for index in range(400)]
    right = [fill_colour(draw(scene, index)) == scene.colour for index, scene in enumerate(scenes)]
    assert sum(right) / len(right) >= 0.99, f"measured {sum(right) / len(right):.3f}, required 0.99"


@pytest.mark.parametrize("background", BACKGROUNDS)
def test_no_backdrop_votes_for_a_colour(background: str) -> None:
    backdrop = draw_backdrop(background, 64, random.Random(0))
    assert fill_colour(backdrop) is None, f"chroma above {CHROMA_FLOOR}"


def test_the_votes_of_a_coloured_picture_add_up_to_one() -> None:
    votes = fill_votes(draw(SCENE, 1))
    assert set(votes) == set(COLOURS)
    assert sum(votes.values()) == pytest.approx(1)


def test_a_shape_is_found_where_it_was_drawn() -> None:
    scenes = [scene_at("train" if seed % 2 else "held-out", 5, seed) for seed in range(100)]
    found = [
        intersection_over_union(find_shape(draw(scene, seed), scene.colour), shape_mask(scene, seed))
        for seed, scene in enumerate(scenes)
    ]
    assert min(found) >= 0.9, f"measured {min(found):.3f}, required 0.9"


@pytest.mark.parametrize("style", STYLES)
def test_a_shape_excludes_rims_ink_and_glow(style: str) -> None:
    scene = Scene(shape="circle", colour="yellow", background="night", style=style)
    found = find_shape(draw(scene, 3), "yellow").sum()
    assert found == pytest.approx(shape_mask(scene, 3).sum(), rel=0.06)


def test_a_shape_includes_the_centre_of_a_flower() -> None:
    scene = Scene(shape="flower", colour="blue", background="snow", style="cartoon")
    rows, columns = np.nonzero(shape_mask(scene, 3))
    assert find_shape(draw(scene, 3), "blue")[round(rows.mean()), round(columns.mean())]


def test_the_same_shape_at_another_position_overlaps_less() -> None:
    scene = Scene(shape="star", colour="red", background="beach", style="cartoon")
    found = [
        intersection_over_union(find_shape(draw(scene, seed), "red"), shape_mask(scene, seed + 1))
        for seed in range(40)
    ]
    assert sum(found) / len(found) < 0.6


def test_nothing_is_found_in_a_picture_without_the_colour() -> None:
    grey = Image.new("RGB", (64, 64), (128, 128, 128))
    assert not find_shape(grey, "red").any()


@pytest.mark.parametrize("shape", SHAPES)
def test_the_mask_of_a_shape_is_the_same_in_all_colours_backgrounds_and_styles(shape: str) -> None:
    one = Scene(shape=shape, colour="red", background="snow", style="cartoon")
    other = Scene(shape=shape, colour="blue", background="sea", style="neon")
    assert (shape_mask(one, 7) == shape_mask(other, 7)).all()


def test_masks_overlap_by_the_pixels_in_common() -> None:
    left, all_of_it, right = np.zeros((3, 4, 4), dtype=bool)
    left[:, :2], right[:, 2:], all_of_it[:] = True, True, True
    assert intersection_over_union(left, left) == 1
    assert intersection_over_union(left, all_of_it) == 0.5
    assert intersection_over_union(left, right) == 0


def test_empty_masks_have_no_intersection_over_union() -> None:
    nothing = np.zeros((4, 4), dtype=bool)
    assert intersection_over_union(nothing, nothing) == 0


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
