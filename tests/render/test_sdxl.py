"""Stable Diffusion XL: its refiner, its sizes and crops, and its two meanings of no negative prompt."""

import diffusers
import numpy as np
import pytest
import torch

from farm.inputs.checkpoints.source import find_source
from farm.records import RefinerSpec
from farm.render import open_renderer
from tests.checkpoints.stable_diffusion_xl import save_refiner, save_stable_diffusion_xl
from tests.render.additions import MODELS, SIZE, frames, loaded, plain_call
from tests.render.frames import chunk_of, spec_of
from tests.render.parts import in_parts
from tests.render.ways import PROMPTS, SEEDS, STEPS, same
from tests.support import FEATURES


@pytest.mark.parametrize(
    "conditions",
    [
        {},
        {"original_size": (32, 24), "crops_coords_top_left": (3, 5), "target_size": (24, 8)},
        {
            "negative_original_size": (8, 8),
            "negative_crops_coords_top_left": (1, 2),
            "negative_target_size": (8, 24),
        },
        {"eta": 0.5, "guidance_rescale": 0.7, "clip_skip": 1},
    ],
    ids=["no sizes", "sizes", "negative sizes", "others"],
)
@pytest.mark.parametrize("save_second", [save_refiner, save_stable_diffusion_xl])
@pytest.mark.parametrize("kind", FEATURES["refiner"])
def test_a_base_with_its_refiner_equals_the_two_plain_calls(folders, kind, save_second, conditions):
    name, save = MODELS[kind]
    model, refined = folders(save), folders(save_second)
    refiner = RefinerSpec(source=find_source(str(refined), None, refined), variant=None)
    renderer = open_renderer(spec_of(model, pipeline=name, refiner=refiner))
    scheduler = "DDIMScheduler" if "eta" in conditions else ""  # the one that knows eta
    settings = {"denoising_end": 0.5, "aesthetic_score": 7.0, "scheduler": scheduler}
    ours = renderer.render(chunk_of(*frames(**settings, **in_parts(conditions))))
    base = diffusers.StableDiffusionXLPipeline.from_pretrained(model)
    second = diffusers.StableDiffusionXLImg2ImgPipeline.from_pretrained(refined)
    shared = {
        "prompt": PROMPTS,
        "negative_prompt": ["dull"] * 3,
        "guidance_scale": 5.0,
        "num_inference_steps": STEPS,
        "generator": [torch.Generator("cpu").manual_seed(seed) for seed in SEEDS],
        **conditions,
    }
    for pipeline in (base, second):
        pipeline.set_progress_bar_config(disable=True)
        if scheduler:
            pipeline.scheduler = diffusers.DDIMScheduler.from_config(pipeline.scheduler.config)
    latents = base(**shared, **SIZE, denoising_end=0.5, output_type="latent").images
    theirs = second(**shared, image=latents, denoising_start=0.5, aesthetic_score=7.0).images
    assert same(ours, [np.asarray(image) for image in theirs]) == [True] * 3


@pytest.mark.parametrize(
    "conditions",
    [
        {"original_size": (32, 24), "crops_coords_top_left": (3, 5), "target_size": (16, 16)},
        {
            "negative_original_size": (8, 8),
            "negative_crops_coords_top_left": (1, 2),
            "negative_target_size": (16, 16),
        },
        {"height": 32, "width": 16},
    ],
)
@pytest.mark.parametrize("kind", FEATURES["sizes and crops (micro-conditioning)"])
def test_sdxl_is_conditioned_on_sizes_and_crops_as_in_diffusers(folders, kind, conditions):
    name, save = MODELS[kind]
    model = folders(save)
    renderer = open_renderer(spec_of(model, pipeline=name))
    ours = renderer.render(chunk_of(*frames(**in_parts(conditions))))
    theirs = plain_call(diffusers.StableDiffusionXLPipeline.from_pretrained(model), **conditions)
    assert same(ours, theirs) == [True] * 3


@pytest.mark.parametrize("negative", [None, ""])
def test_sdxl_without_a_negative_prompt_is_not_sdxl_with_an_empty_one(folders, negative):
    model = folders(save_stable_diffusion_xl)
    renderer = open_renderer(spec_of(model, pipeline="StableDiffusionXLPipeline"))
    ours = renderer.render(chunk_of(*frames(negative_prompt=negative)))
    given = None if negative is None else [negative] * 3
    theirs = plain_call(diffusers.StableDiffusionXLPipeline.from_pretrained(model), negative_prompt=given)
    assert same(ours, theirs) == [True] * 3


@pytest.mark.parametrize("kind", FEATURES["Turbo: 1 to 4 steps, no guidance"])
@pytest.mark.parametrize("steps", [1, 4])
def test_a_turbo_model_is_called_with_few_steps_and_without_guidance(folders, kind, steps):
    name, save = MODELS[kind]
    renderer = open_renderer(spec_of(folders(save), pipeline=name))
    config = {"timestep_spacing": "trailing"}
    turbo = {"num_inference_steps": steps, "guidance_scale": 0.0, "negative_prompt": None}
    ours = renderer.render(
        chunk_of(*frames(**turbo, scheduler="EulerAncestralDiscreteScheduler", config=config))
    )
    plain = loaded(kind, folders(save))
    plain.scheduler = diffusers.EulerAncestralDiscreteScheduler.from_config(plain.scheduler.config, **config)
    assert same(ours, plain_call(plain, **turbo)) == [True] * 3
