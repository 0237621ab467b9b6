"""A walk between two prompts, and how smooth and how picture-like its frames are."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import torch
from diffusers import StableDiffusionPipeline
from PIL import Image

from farm.demo.evaluation import BATCH, GUIDANCE, STEPS


def walk(
    pipeline: StableDiffusionPipeline, first: str, last: str, frames: int, seed: int = 0
) -> list[Image.Image]:
    """`frames` pictures from one prompt to the other, its embedding moved in a straight line, the noise kept."""
    pipeline.set_progress_bar_config(disable=True)
    states, empty = pipeline.encode_prompt([first, last], torch.device("cpu"), 1, True)
    pictures: list[Image.Image] = []
    for start in range(0, frames, BATCH):
        alphas = torch.arange(start, min(start + BATCH, frames)).view(-1, 1, 1) / (frames - 1)
        moved = torch.lerp(states[:1], states[1:], alphas)
        pictures += pipeline(
            prompt_embeds=moved,
            negative_prompt_embeds=empty[:1].expand_as(moved),
            num_inference_steps=STEPS,
            guidance_scale=GUIDANCE,
            generator=[torch.Generator("cpu").manual_seed(seed) for _ in moved],
        ).images
    return pictures


def largest_jump(frames: Sequence[Image.Image]) -> float:
    """The largest root-mean-square change from one frame to the next, in units of the whole range 0..1."""
    arrays = [_unit(frame) for frame in frames]
    return max(float(np.sqrt(np.mean((b - a) ** 2))) for a, b in itertools.pairwise(arrays))


def roughness(picture: Image.Image) -> float:
    """Mean absolute difference of neighbouring pixels, in units of the whole range 0..1.

    Noise is far rougher than any drawn picture: even channels have 0.33, a drawn picture at most about 0.06.
    """
    pixels = _unit(picture)
    return float(np.abs(np.diff(pixels, axis=0)).mean() + np.abs(np.diff(pixels, axis=1)).mean()) / 2


def _unit(picture: Image.Image) -> np.ndarray:
    return np.asarray(picture.convert("RGB"), dtype=np.float32) / 255
