"""How well the ControlNet puts a shape where the edges are: masks found in its pictures against those drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL, ControlNetModel, StableDiffusionControlNetPipeline
from PIL import Image

from farm.demo.controlnet import canny
from farm.demo.evaluation import BATCH, GUIDANCE, STEPS, Prompt, held_out_prompts
from farm.demo.masks import find_shape, overlap
from farm.demo.world import draw, shape_mask

FIRST_DRAWING = 9_000_000
"""Seed of the first drawing: far from those of any training."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sketch:
    """A drawing that training never saw, by which a picture is to be made."""

    prompt: Prompt
    seed: int
    """Of the drawing."""

    @property
    def drawing(self) -> Image.Image:
        """The drawing itself, which the ControlNet does not see."""
        return draw(self.prompt.scene, self.seed)

    @property
    def edges(self) -> Image.Image:
        """What it sees of it."""
        return Image.fromarray(canny(np.asarray(self.drawing)))


def held_out_sketches(count: int) -> list[Sketch]:
    """Sketches of held-out prompts."""
    return [
        Sketch(prompt=prompt, seed=FIRST_DRAWING + number)
        for number, prompt in enumerate(held_out_prompts(count))
    ]


def load_with_controlnet(world: Path, controlnet: Path) -> StableDiffusionControlNetPipeline:
    """The pipeline of the two folders, loaded as any user loads it."""
    pipeline = StableDiffusionControlNetPipeline.from_pretrained(
        world, controlnet=ControlNetModel.from_pretrained(controlnet)
    )
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def render_sketches(
    pipeline: StableDiffusionControlNetPipeline, sketches: Sequence[Sketch]
) -> list[Image.Image]:
    """One picture per sketch from its edges and its prompt, with the settings and noise of `evaluation.generate`."""
    pictures: list[Image.Image] = []
    for start in range(0, len(sketches), BATCH):
        part = sketches[start : start + BATCH]
        pictures += pipeline(
            [sketch.prompt.text for sketch in part],
            image=[sketch.edges for sketch in part],
            num_inference_steps=STEPS,
            guidance_scale=GUIDANCE,
            generator=[torch.Generator("cpu").manual_seed(start + k) for k in range(len(part))],
        ).images
    return pictures


def overlaps(sketches: Sequence[Sketch], pictures: Sequence[Image.Image]) -> list[float]:
    """Intersection over union of each picture's shape, found by the colour asked for, with the drawn one."""
    return [
        overlap(find_shape(picture, sketch.prompt.scene.colour), shape_mask(sketch.prompt.scene, sketch.seed))
        for sketch, picture in zip(sketches, pictures, strict=True)
    ]


@torch.no_grad()
def through_autoencoder(vae: AutoencoderKL, pictures: Sequence[Image.Image]) -> list[Image.Image]:
    """The pictures encoded and decoded again: the best that any picture made in the latents can be."""
    pixels = torch.from_numpy(np.stack([np.asarray(picture) for picture in pictures]))
    scaled = pixels.permute(0, 3, 1, 2).float().div(127.5).sub(1)
    decoded = vae.decode(vae.encode(scaled).latent_dist.mean).sample.clamp(-1, 1)
    back = decoded.add(1).mul(127.5).round().byte().permute(0, 2, 3, 1).numpy()
    return [Image.fromarray(picture) for picture in back]
