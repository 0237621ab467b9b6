import numpy as np
import pytest
from PIL import Image

from farm.demo.drawings import scene_at
from farm.demo.masks import find_shape, overlap
from farm.demo.vocabulary import SHAPES, STYLES, Scene
from farm.demo.world import draw, shape_mask


def test_a_shape_is_found_where_it_was_drawn() -> None:
    scenes = [scene_at("train" if seed % 2 else "held-out", 5, seed) for seed in range(100)]
    found = [
        overlap(find_shape(draw(scene, seed), scene.colour), shape_mask(scene, seed))
        for seed, scene in enumerate(scenes)
    ]
    assert min(found) >= 0.9, f"measured {min(found):.3f}, required 0.9"


@pytest.mark.parametrize("style", STYLES)
def test_rims_ink_and_glow_are_no_part_of_a_shape(style: str) -> None:
    scene = Scene(shape="circle", colour="yellow", background="night", style=style)
    found = find_shape(draw(scene, 3), "yellow").sum()
    assert found == pytest.approx(shape_mask(scene, 3).sum(), rel=0.06)


def test_a_flowers_heart_is_part_of_it() -> None:
    scene = Scene(shape="flower", colour="blue", background="snow", style="cartoon")
    rows, columns = np.nonzero(shape_mask(scene, 3))
    assert find_shape(draw(scene, 3), "blue")[round(rows.mean()), round(columns.mean())]


def test_in_another_place_the_same_shape_does_not_overlap_enough() -> None:
    scene = Scene(shape="star", colour="red", background="beach", style="cartoon")
    found = [overlap(find_shape(draw(scene, seed), "red"), shape_mask(scene, seed + 1)) for seed in range(40)]
    assert sum(found) / len(found) < 0.6


def test_in_a_picture_without_the_colour_nothing_is_found() -> None:
    grey = Image.new("RGB", (64, 64), (128, 128, 128))
    assert not find_shape(grey, "red").any()


@pytest.mark.parametrize("shape", SHAPES)
def test_the_mask_of_a_shape_is_one_for_all_colours_backgrounds_and_styles(shape: str) -> None:
    one = Scene(shape=shape, colour="red", background="snow", style="cartoon")
    other = Scene(shape=shape, colour="blue", background="sea", style="neon")
    assert (shape_mask(one, 7) == shape_mask(other, 7)).all()


def test_masks_overlap_by_what_they_share() -> None:
    left, all_of_it, right = np.zeros((3, 4, 4), dtype=bool)
    left[:, :2], right[:, 2:], all_of_it[:] = True, True, True
    assert overlap(left, left) == 1
    assert overlap(left, all_of_it) == 0.5
    assert overlap(left, right) == 0


def test_empty_masks_do_not_overlap() -> None:
    nothing = np.zeros((4, 4), dtype=bool)
    assert overlap(nothing, nothing) == 0
