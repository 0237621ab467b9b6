"""What inpainting with `tiny-world` is worth: what fills the mask, and how far the rest stays as it was."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
from diffusers import StableDiffusionPipeline
from PIL import Image

from farm.demo.controlnet_evaluation import through_autoencoder
from farm.demo.evaluation import GUIDANCE, generate, share
from farm.demo.export import RESNET, WORLD
from farm.demo.inpainting_card import with_inpainting
from farm.demo.inpainting_evaluation import (
    CELL,
    Repair,
    filled_as_told,
    held_out_repairs,
    load_for_inpainting,
    psnr,
    repaint,
    squares_outside,
)
from farm.demo.measuring import contact_sheet
from farm.demo.recipe import Recipe

REPAIRS = 100
REQUIRED = 30.0
GENTLE = 3.0
"""A guidance that keeps more of what is around."""
DISTANCES = (0, 2, CELL)


def measure_inpainting(recipe: Recipe) -> dict[str, Any]:
    """Measure the folder in `recipe.output`, keep figures and pictures, write into the model card."""
    repairs = held_out_repairs(REPAIRS)
    inpainting = load_for_inpainting(recipe.output / WORLD)
    plain = StableDiffusionPipeline.from_pretrained(recipe.output / WORLD)
    drawn = [repair.drawing for repair in repairs]
    back = through_autoencoder(inpainting.vae, drawn)
    made = {guidance: repaint(inpainting, repairs, guidance) for guidance in (GUIDANCE, GENTLE)}
    shown = {
        **{f"repainted, guidance {guidance:g}": pictures for guidance, pictures in made.items()},
        f"from the prompt alone, guidance {GUIDANCE:g}": generate(
            plain, [repair.prompt.text for repair in repairs]
        ),
        "the drawings before": drawn,
    }
    figures = {
        "repairs": len(repairs),
        "masked": float(np.mean([repair.mask.mean() for repair in repairs])),
        "as_told": {
            name: share(filled_as_told(recipe.output / RESNET, repairs, pictures))
            for name, pictures in shown.items()
        },
        "guided": {
            f"{guidance:g}": [_kept(repairs, pictures, back, distance) for distance in DISTANCES]
            for guidance, pictures in made.items()
        },
        "against_drawing": _kept(repairs, made[GENTLE], drawn, CELL)["mean"],
    }
    (recipe.work_dir / "inpainting.json").write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(figures, indent=2), file=sys.stderr)
    masks = [Image.fromarray(repair.mask).convert("RGB") for repair in repairs]
    rows = [drawn, masks, back, *made.values()]
    beside = [picture for column in zip(*rows, strict=True) for picture in column]
    contact_sheet(beside, 20).save(recipe.work_dir / "inpainting.png")
    card = recipe.output / WORLD / "README.md"
    card.write_text(with_inpainting(card.read_text(encoding="utf-8"), figures), encoding="utf-8")
    return figures


def _kept(
    repairs: Sequence[Repair], pictures: Sequence[Image.Image], before: Sequence[Image.Image], distance: int
) -> dict[str, float]:
    """Over all pictures of which anything is that far outside."""
    squares = [
        squares_outside(picture, old, repair.mask, distance)
        for repair, picture, old in zip(repairs, pictures, before, strict=True)
    ]
    found = [psnr(one) for one in squares if one.size]
    return {
        "distance": distance,
        "pictures": len(found),
        "mean": sum(found) / len(found),
        "together": psnr(np.concatenate(squares)),
        "least": min(found),
        "reached": share([value > REQUIRED for value in found]),
    }
