import random

import numpy as np
import pytest

from training.drawing import draw
from training.measures import lab
from training.scenes import (
    SHAPES,
    STYLES,
    Scene,
    combinations,
    full_captions,
    partial_captions,
    random_scene,
    scene_at,
)

SCENE = Scene(shape="star", colour="red", background="beach", style="watercolor")


def test_the_same_scene_and_seed_give_the_same_pixels() -> None:
    assert draw(SCENE, 5).tobytes() == draw(SCENE, 5).tobytes()


def test_another_seed_gives_another_picture_of_the_same_scene() -> None:
    assert draw(SCENE, 5).tobytes() != draw(SCENE, 6).tobytes()


@pytest.mark.parametrize("size", [64, 128])
def test_a_picture_has_the_requested_size(size: int) -> None:
    assert draw(SCENE, 5, size).size == (size, size)


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_is_completely_within_the_picture(shape: str) -> None:
    for seed in range(20):
        scene = Scene(shape=shape, colour="red", background="snow", style="cartoon")
        pixels = lab(np.asarray(draw(scene, seed)))
        colourful = np.hypot(pixels[..., 1], pixels[..., 2]) > 40
        edge = np.concatenate([colourful[0], colourful[-1], colourful[:, 0], colourful[:, -1]])
        assert colourful.any()
        assert not edge.any()


def test_the_splits_share_no_combination_and_cover_all() -> None:
    train, held_out = set(combinations("train")), set(combinations("held-out"))
    assert not train & held_out
    assert (len(train), len(held_out)) == (448, 64)


def test_every_pair_of_words_occurs_in_training() -> None:
    train = combinations("train")
    assert len({(shape, colour) for shape, colour, _ in train}) == 64
    assert len({(shape, background) for shape, _, background in train}) == 64
    assert len({(colour, background) for _, colour, background in train}) == 64


def test_a_scene_of_a_dataset_depends_only_on_its_index() -> None:
    assert scene_at("train", 1, 17) == scene_at("train", 1, 17)
    assert len({scene_at("train", 1, index) for index in range(50)}) > 40


def test_random_scenes_stay_in_their_split() -> None:
    rng = random.Random(0)
    held_out = set(combinations("held-out"))
    for _ in range(200):
        scene = random_scene("held-out", rng)
        assert (scene.shape, scene.colour, scene.background) in held_out


def test_full_captions_name_what_is_drawn() -> None:
    for caption in full_captions(SCENE):
        assert "red star" in caption.text
        assert "beach" in caption.text
        assert "watercolor" in caption.text
        assert caption.claims == {"star", "red", "beach", "watercolor"}


def test_captions_without_style_do_not_name_it() -> None:
    for caption in full_captions(SCENE, with_style=False):
        assert not any(style in caption.text for style in STYLES)
        assert caption.claims == {"star", "red", "beach"}


def test_partial_captions_are_true_of_their_scene_and_of_no_opposite_one() -> None:
    opposite = Scene(shape="moon", colour="blue", background="night", style="neon")
    for caption in partial_captions(SCENE):
        assert caption.is_true_of(SCENE)
        assert not caption.is_true_of(opposite)


def test_captions_come_in_many_wordings() -> None:
    texts = [caption.text for caption in full_captions(SCENE)]
    assert "a red star at the beach, watercolor" in texts
    assert "a watercolor painting of a red star at the beach" in texts
    assert len(set(texts)) >= 8
