"""Evaluation of inpainting with tiny-world: what fills the mask, and what happens to the rest of the picture.

Nothing is trained for it: tiny-world's own weights serve `StableDiffusionInpaintPipeline` too.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import StableDiffusionInpaintPipeline, StableDiffusionPipeline
from PIL import Image

from training.config import RunConfig
from training.drawing import draw, shape_mask
from training.evaluation import (
    BATCH,
    GUIDANCE,
    STEPS,
    Prompt,
    classify,
    contact_sheet,
    generate,
    held_out_prompts,
    save_figures,
    share,
)
from training.export import RESNET, WORLD
from training.measures import Mask, psnr, squared_errors_outside
from training.scenes import Scene, combinations
from training.vae import through_autoencoder

CELL = 8
"""Width and height in pixels of the area that one latent covers."""
MARGIN = 7
"""Pixels around the shape that are repainted with it: rims and most of a glow."""
FIRST_DRAWING = 9_500_000
"""Seed of the first drawing: far from those of any training."""
REPAIRS = 100
LOW_GUIDANCE = 3.0
"""A guidance that preserves more of the surroundings."""
DISTANCES = (0, 2, CELL)
REQUIRED = 30.0
"""PSNR in dB that counts as preserved."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Repair:
    """A drawing excluded from training, and a prompt to replace its shape with another one in another colour."""

    prompt: Prompt
    drawn: Scene
    """With the prompt's background and style."""
    seed: int
    """Of the drawing."""

    @property
    def drawing(self) -> Image.Image:
        """The picture to repaint."""
        return draw(self.drawn, self.seed)

    @property
    def mask(self) -> Mask:
        """The area to repaint: the bounding box of the shape with its margin, extended to complete latents.

        diffusers shrinks a mask to the latents by the first pixel of each cell, so it would not respect another mask.
        """
        rows, columns = (np.flatnonzero(shape_mask(self.drawn, self.seed).any(axis)) for axis in (1, 0))
        mask = np.zeros((64, 64), dtype=bool)
        mask[_cells(rows), _cells(columns)] = True
        return mask


def held_out_repairs(count: int) -> list[Repair]:
    """Return repairs whose drawings and prompts are both of held-out combinations."""
    rng = random.Random("repairs")
    return [
        Repair(prompt=prompt, drawn=_replaced(prompt.scene, rng), seed=FIRST_DRAWING + number)
        for number, prompt in enumerate(held_out_prompts(count))
    ]


def load_for_inpainting(world: Path) -> StableDiffusionInpaintPipeline:
    """Load the text-to-image folder as an inpainting pipeline."""
    pipeline = StableDiffusionInpaintPipeline.from_pretrained(world)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def repaint(
    pipeline: StableDiffusionInpaintPipeline, repairs: Sequence[Repair], guidance: float
) -> list[Image.Image]:
    """Generate one picture per repair, from pure noise in the mask; the seed of picture k is k."""
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


def matches_prompt(
    resnet_folder: Path, repairs: Sequence[Repair], pictures: Sequence[Image.Image]
) -> list[bool]:
    """Return whether each picture shows the prompt's shape, and the prompt's colour in the mask."""
    prompts = [repair.prompt for repair in repairs]
    masked = [_masked(picture, repair.mask) for picture, repair in zip(pictures, repairs, strict=True)]
    shapes = classify(resnet_folder, prompts, pictures)  # the classifier was trained on complete pictures
    colours = classify(resnet_folder, prompts, masked)
    return [one.shape_is_right and two.colour_is_right for one, two in zip(shapes, colours, strict=True)]


def evaluate_inpainting(config: RunConfig) -> dict[str, Any]:
    """Evaluate the folder in `config.output`; save figures and pictures, write a section of its model card."""
    repairs = held_out_repairs(REPAIRS)
    inpainting = load_for_inpainting(config.output / WORLD)
    plain = StableDiffusionPipeline.from_pretrained(config.output / WORLD)
    drawings = [repair.drawing for repair in repairs]
    autoencoded = through_autoencoder(inpainting.vae, drawings)
    repainted = {guidance: repaint(inpainting, repairs, guidance) for guidance in (GUIDANCE, LOW_GUIDANCE)}
    compared = {
        **{f"repainted, guidance {guidance:g}": pictures for guidance, pictures in repainted.items()},
        f"from the prompt alone, guidance {GUIDANCE:g}": generate(
            plain, [repair.prompt.text for repair in repairs]
        ),
        "the drawings before": drawings,
    }
    figures = {
        "repairs": len(repairs),
        "masked": float(np.mean([repair.mask.mean() for repair in repairs])),
        "matching": {
            name: share(matches_prompt(config.output / RESNET, repairs, pictures))
            for name, pictures in compared.items()
        },
        "guided": {
            f"{guidance:g}": [_preserved(repairs, pictures, autoencoded, distance) for distance in DISTANCES]
            for guidance, pictures in repainted.items()
        },
        "against_drawing": _preserved(repairs, repainted[LOW_GUIDANCE], drawings, CELL)["mean"],
    }
    save_figures(config, "inpainting", figures)
    masks = [Image.fromarray(repair.mask).convert("RGB") for repair in repairs]
    rows = [drawings, masks, autoencoded, *repainted.values()]
    columns = [picture for column in zip(*rows, strict=True) for picture in column]
    contact_sheet(columns, 20).save(config.work_dir / "inpainting.png")
    card = config.output / WORLD / "README.md"
    card.write_text(with_inpainting(card.read_text(encoding="utf-8"), figures), encoding="utf-8")
    return figures


def with_inpainting(card: str, figures: Mapping[str, Any]) -> str:
    """Return the model card with the section on inpainting, before its limits; an older section is replaced."""
    guided = figures["guided"]
    section = _SECTION.format(
        repairs=figures["repairs"],
        margin=MARGIN,
        cell=CELL,
        masked=figures["masked"],
        resnet=RESNET,
        shares="".join(f"| {name} | {value:.1%} |\n" for name, value in figures["matching"].items()),
        ratios="".join(_row(guidance, measured) for guidance, rows in guided.items() for measured in rows),
        lowest=min(map(float, guided)),
        drawing=figures["against_drawing"],
        far=min(measured["pictures"] for rows in guided.values() for measured in rows),
    )
    return re.sub(r"(## Inpainting\n.*?)?(?=## Limits\n)", lambda _: section, card, count=1, flags=re.DOTALL)


def _replaced(scene: Scene, rng: random.Random) -> Scene:
    """Return a held-out scene with the same background and style, and another shape and colour."""
    others = [one for one in combinations("held-out") if one[2] == scene.background and one[0] != scene.shape]
    shape, colour, background = rng.choice(others)  # held-out combinations of a background differ in colour
    return Scene(shape=shape, colour=colour, background=background, style=scene.style)


def _cells(covered: np.ndarray[tuple[int], np.dtype[np.intp]]) -> slice:
    """Return the range of complete cells that contains these pixels and the margin."""
    first, last = max(0, covered[0] - MARGIN), min(63, covered[-1] + MARGIN)
    return slice(first // CELL * CELL, (last // CELL + 1) * CELL)


def _masked(picture: Image.Image, mask: Mask) -> Image.Image:
    """Return the picture, grey outside the mask."""
    return Image.composite(picture, Image.new("RGB", picture.size, (128, 128, 128)), Image.fromarray(mask))


def _preserved(
    repairs: Sequence[Repair], pictures: Sequence[Image.Image], before: Sequence[Image.Image], distance: int
) -> dict[str, float]:
    """Summarize the PSNR of pixels more than `distance` away from the mask, over the pictures that have any."""
    squares = [
        squared_errors_outside(picture, old, repair.mask, distance)
        for repair, picture, old in zip(repairs, pictures, before, strict=True)
    ]
    ratios = [psnr(one) for one in squares if one.size]
    return {
        "distance": distance,
        "pictures": len(ratios),
        "mean": sum(ratios) / len(ratios),
        "together": psnr(np.concatenate(squares)),
        "least": min(ratios),
        "reached": share([value > REQUIRED for value in ratios]),
    }


def _row(guidance: str, measured: Mapping[str, float]) -> str:
    cells = [
        guidance,
        measured["distance"],
        measured["pictures"],
        *(f"{measured[name]:.1f}" for name in ("mean", "least")),
        f"{measured['reached']:.0%}",
        f"{measured['together']:.1f}",
    ]
    return f"| {' | '.join(map(str, cells))} |\n"


_SECTION = """## Inpainting

As `StableDiffusionInpaintPipeline`, at strength 1 and 25 DDIM steps, over {repairs} drawings of held-out combinations.
The prompt names another shape in another colour before the same background in the same style. The mask is the bounding
box of the drawn shape with a margin of {margin} pixels, extended to complete latents of {cell} x {cell} pixels:
{masked:.0%} of the picture on average.

| pictures | shape and colour of the prompt |
|---|---|
{shares}
The shape is classified by `{resnet}`, the colour in the mask by `training/measures.py`.

The pixels outside the mask, compared with the drawing through the autoencoder, as PSNR in dB:

| guidance | pixels away | pictures | mean | least | above 30 dB | all pixels together |
|---|---|---|---|---|---|---|
{ratios}
The latents outside the mask are the drawing's own, bit for bit. Differences come from the decoder, which computes each
pixel from several latents: they are next to the mask, and largest where a new outline touches its border. Little is
left of them {cell} pixels (one latent) away; {far} of the pictures extend that far. Compared with the drawing itself,
it is {drawing:.1f} dB there, at guidance {lowest:g}.

Measured by `python -m training --stages evaluate-inpainting`.

"""
