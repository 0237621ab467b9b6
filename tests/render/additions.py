"""Shared by the tests of additions to a model: the frames, and the plain call that they must equal."""

import diffusers
import numpy as np
import torch

from farm.inputs.checkpoints.source import find_source
from tests.checkpoints.stable_diffusion import save_stable_diffusion
from tests.checkpoints.stable_diffusion_xl import save_stable_diffusion_xl
from tests.render.frames import frame_of, noise_of
from tests.render.ways import PROMPTS, SEEDS, STEPS

SIZE = {"height": 16, "width": 16}
MODELS = {
    "SD": ("StableDiffusionPipeline", save_stable_diffusion),
    "SDXL": ("StableDiffusionXLPipeline", save_stable_diffusion_xl),
}


def part(folder):
    return find_source(str(folder), None, folder, holds="adapter")


def loaded(kind, folder):
    return getattr(diffusers, MODELS[kind][0]).from_pretrained(folder)


def frames(**settings):
    shared = {"negative_prompt": "dull", "num_inference_steps": STEPS, **SIZE} | settings
    return [
        frame_of(index, {PROMPTS[index]: 1.0}, noise=noise_of(SEEDS[index]), **shared) for index in range(3)
    ]


def plain_call(pipeline, **arguments):
    pipeline.set_progress_bar_config(disable=True)
    named = {
        "negative_prompt": ["dull"] * 3,
        "guidance_scale": 5.0,
        "num_inference_steps": STEPS,
        "generator": [torch.Generator("cpu").manual_seed(seed) for seed in SEEDS],
    }
    images = pipeline(PROMPTS, **(named | SIZE | arguments)).images
    return [np.asarray(image) for image in images]


def same(ours, theirs):
    return [np.array_equal(one, other) for one, other in zip(ours, theirs, strict=True)]
