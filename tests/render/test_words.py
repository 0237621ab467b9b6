"""Mixtures of weighted prompts with textual inversions, and released encoders: each frame is a plain call.

test_parts.py tests single weighted prompts and textual inversions in every way.
"""

import numpy as np
import pytest
import torch

from farm.records import Drift, MemorySpec, TextualInversionSpec
from farm.render import open_renderer
from farm.render.loading.pipeline import _restore_text_model
from tests.checkpoints.textual_inversion import (
    TOKEN,
    save_textual_inversion,
    save_textual_inversion_xl,
)
from tests.render.additions import MODELS, SIZE, loaded, part
from tests.render.frames import chunk_of, frame_of, noise_of, spec_of
from tests.render.parts import NEGATIVE, WEIGHTED, by_compel, learn
from tests.render.ways import SEEDS, STEPS, same
from tests.support import FEATURES


def frame(index, prompts, **settings):
    shared = {"negative_prompt": NEGATIVE, "num_inference_steps": STEPS, **SIZE} | settings
    return frame_of(index, prompts, noise=noise_of(SEEDS[index]), **shared)


def plain(pipeline, **arguments):
    pipeline.set_progress_bar_config(disable=True)
    images = pipeline(
        generator=[torch.Generator("cpu").manual_seed(seed) for seed in SEEDS],
        num_inference_steps=STEPS,
        guidance_scale=5.0,
        **SIZE,
        **arguments,
    ).images
    return [np.asarray(image) for image in images]


@pytest.mark.parametrize("kind", MODELS)
def test_the_ends_between_weighted_prompts_are_compels_and_the_middle_is_neither(folders, kind):
    pipeline, save = MODELS[kind]
    renderer = open_renderer(spec_of(folders(save), pipeline=pipeline))
    first, second = WEIGHTED[:2]
    shares = [{first: 1.0}, {first: 0.5, second: 0.5}, {second: 1.0}]
    ours = renderer.render(chunk_of(*(frame(i, share, syntax="compel") for i, share in enumerate(shares))))
    other = loaded(kind, folders(save))
    theirs = plain(other, **by_compel(other, [first, first, second]))
    assert same(ours, theirs) == [True, False, True]


def test_weighted_sdxl_without_a_negative_prompt_is_guided_away_from_zeros_like_plain_sdxl(folders):
    pipeline, save = MODELS["SDXL"]
    renderer = open_renderer(spec_of(folders(save), pipeline=pipeline))
    weighted, words = (
        renderer.render(chunk_of(frame(0, {"a red star": 1.0}, syntax=syntax, negative_prompt=None)))
        for syntax in ("compel", "plain")
    )
    assert same(weighted, words) == [True]


@pytest.mark.parametrize("kind", MODELS)
def test_weighted_prompts_are_encoded_again_for_another_clip_skip(folders, kind):
    pipeline, save = MODELS[kind]
    renderer = open_renderer(spec_of(folders(save), pipeline=pipeline))
    other = loaded(kind, folders(save))
    _restore_text_model(other)
    prompt = "a red star at night"
    for skip in (None, 1, None):
        frames = (
            frame(i, {prompt: 1.0}, syntax="compel", negative_prompt="dull", clip_skip=skip) for i in range(3)
        )
        theirs = plain(other, prompt=[prompt] * 3, negative_prompt=["dull"] * 3, clip_skip=skip)
        assert same(renderer.render(chunk_of(*frames)), theirs) == [True] * 3


def test_a_walk_from_a_weighted_prompt_does_not_move_the_negative_prompt(folders):
    pipeline, save = MODELS["SD"]
    renderer = open_renderer(spec_of(folders(save), pipeline=pipeline))
    drift = Drift(direction="ones", distance=0.5, seed=0)
    walked = renderer.render(chunk_of(frame(0, {WEIGHTED[0]: 1.0}, syntax="compel", drift=drift)))[0]
    other = loaded("SD", folders(save))
    embeds = by_compel(other, WEIGHTED[:1])
    embeds["prompt_embeds"] = embeds["prompt_embeds"] + 0.5
    other.set_progress_bar_config(disable=True)
    generator = [torch.Generator("cpu").manual_seed(SEEDS[0])]
    settings = {"num_inference_steps": STEPS, "guidance_scale": 5.0, "generator": generator, **SIZE}
    assert np.array_equal(walked, np.asarray(other(**embeds, **settings).images[0]))


@pytest.mark.parametrize("kind", MODELS)
def test_a_textual_inversion_among_weighted_words_equals_diffusers(folders, tmp_path, kind):
    pipeline, save = MODELS[kind]
    folder = (
        save_textual_inversion_xl(tmp_path) if kind == "SDXL" else save_textual_inversion(tmp_path, vectors=3)
    )
    word = TextualInversionSpec(source=part(folder), weight_name=None, token=TOKEN)
    renderer = open_renderer(spec_of(folders(save), pipeline=pipeline, textual_inversions=(word,)))
    prompt = f"a {TOKEN} at night"
    frames = [frame(i, {prompt: 1.0}, syntax="compel", negative_prompt="dull") for i in range(3)]
    other = loaded(kind, folders(save))
    learn(other, folder)
    theirs = plain(other, prompt=[prompt] * 3, negative_prompt=["dull"] * 3)
    assert same(renderer.render(chunk_of(*frames)), theirs) == [True] * 3


@pytest.mark.parametrize("kind", FEATURES["text encoders released"])
def test_released_text_encoders_are_loaded_for_every_new_prompt(folders, kind):
    pipeline, save = MODELS[kind]
    memory = MemorySpec(release_text_encoders=True)
    released = open_renderer(spec_of(folders(save), pipeline=pipeline, memory=memory))
    kept = open_renderer(spec_of(folders(save), pipeline=pipeline))
    for prompt in ("a red star", "fish", "a red star"):
        chunk = chunk_of(*(frame(index, {prompt: 1.0}) for index in range(2)))
        assert same(released.render(chunk), kept.render(chunk)) == [True, True]
        assert released._loaded.pipeline.text_encoder is None
