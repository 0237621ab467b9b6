"""How well `tiny-world` repaints a part of a picture: what stands in the mask, and what became of the rest."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from diffusers import StableDiffusionInpaintPipeline
from PIL import Image

from farm.demo.colour import Floats
from farm.demo.evaluation import BATCH, STEPS, Prompt, held_out_prompts, judge
from farm.demo.masks import Mask
from farm.demo.vocabulary import Scene, triples
from farm.demo.world import draw, shape_mask

FIRST_DRAWING = 9_500_000
"""Seed of the first drawing: far from those of any training."""

CELL = 8
"""Pixels that one latent covers, each way."""

MARGIN = 7
"""Pixels around the shape that are repainted with it: rims and most of a glow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Repair:
    """A drawing that training never saw, and a prompt for another shape in another colour in its place."""

    prompt: Prompt
    drawn: Scene
    """Of the prompt's background and style."""
    seed: int
    """Of the drawing."""

    @property
    def drawing(self) -> Image.Image:
        """What is repainted."""
        return draw(self.drawn, self.seed)

    @property
    def mask(self) -> Mask:
        """What is painted anew: the box around the shape and its margin, grown to whole latents.

        diffusers shrinks a mask to the latents by the first pixel of each cell, so another mask is not kept to.
        """
        rows, columns = (np.flatnonzero(shape_mask(self.drawn, self.seed).any(axis)) for axis in (1, 0))
        mask = np.zeros((64, 64), dtype=bool)
        mask[_cells(rows), _cells(columns)] = True
        return mask


def held_out_repairs(count: int) -> list[Repair]:
    """Repairs whose drawing and prompt are both held-out combinations."""
    rng = random.Random("repairs")
    return [
        Repair(prompt=prompt, drawn=_another(prompt.scene, rng), seed=FIRST_DRAWING + number)
        for number, prompt in enumerate(held_out_prompts(count))
    ]


def load_for_inpainting(world: Path) -> StableDiffusionInpaintPipeline:
    """The text-to-image folder as an inpainting pipeline, loaded as any user loads it."""
    pipeline = StableDiffusionInpaintPipeline.from_pretrained(world)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def repaint(
    pipeline: StableDiffusionInpaintPipeline, repairs: Sequence[Repair], guidance: float
) -> list[Image.Image]:
    """One picture per repair, from pure noise in the mask; the seed of picture k is k."""
    pictures: list[Image.Image] = []
    for start in range(0, len(repairs), BATCH):
        part = repairs[start : start + BATCH]
        pictures += pipeline(
            [repair.prompt.text for repair in part],
            image=[repair.drawing for repair in part],
            mask_image=[Image.fromarray(repair.mask) for repair in part],
            strength=1.0,
            num_inference_steps=STEPS,
            guidance_scale=guidance,
            generator=[torch.Generator("cpu").manual_seed(start + k) for k in range(len(part))],
        ).images
    return pictures


def filled_as_told(
    resnet_folder: Path, repairs: Sequence[Repair], pictures: Sequence[Image.Image]
) -> list[bool]:
    """Whether each picture shows the prompt's shape, and its colour in the masked part."""
    prompts = [repair.prompt for repair in repairs]
    in_masks = [_only(picture, repair.mask) for picture, repair in zip(pictures, repairs, strict=True)]
    shapes = judge(resnet_folder, prompts, pictures)  # the classifier learnt whole pictures
    colours = judge(resnet_folder, prompts, in_masks)
    return [one.shape_is_right and two.colour_is_right for one, two in zip(shapes, colours, strict=True)]


def squares_outside(one: Image.Image, other: Image.Image, mask: Mask, distance: int = 0) -> Floats:
    """Squared differences of all values (0..255) that are more than `distance` pixels outside of the mask, each way."""
    reach = np.ones((2 * distance + 1,) * 2, dtype=np.uint8)
    outside = cv2.dilate(mask.astype(np.uint8), reach) == 0
    error = np.asarray(one, dtype=np.float64)[outside] - np.asarray(other, dtype=np.float64)[outside]
    return np.square(error).ravel()


def psnr(squares: Floats) -> float:
    """Peak signal-to-noise ratio in dB; infinite where nothing differs."""
    mean = squares.mean()
    return float(10 * np.log10(255**2 / mean)) if mean else math.inf


def _another(scene: Scene, rng: random.Random) -> Scene:
    others = [
        triple for triple in triples("held-out") if triple[2] == scene.background and triple[0] != scene.shape
    ]
    shape, colour, background = rng.choice(others)  # of one background no two held-out colours are the same
    return Scene(shape=shape, colour=colour, background=background, style=scene.style)


def _cells(covered: np.ndarray[tuple[int], np.dtype[np.intp]]) -> slice:
    """The whole cells that hold these pixels and the margin."""
    first, last = max(0, covered[0] - MARGIN), min(63, covered[-1] + MARGIN)
    return slice(first // CELL * CELL, (last // CELL + 1) * CELL)


def _only(picture: Image.Image, mask: Mask) -> Image.Image:
    """The picture, grey outside of the mask."""
    return Image.composite(picture, Image.new("RGB", picture.size, (128, 128, 128)), Image.fromarray(mask))
