"""What the ControlNet is worth: how far shapes overlap with those whose edges it was given, and without it."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import replace

import torch
from diffusers import StableDiffusionPipeline
from PIL import Image

from farm.demo.captions import colour_wordings
from farm.demo.controlnet_card import controlnet_card
from farm.demo.controlnet_evaluation import (
    Sketch,
    held_out_sketches,
    load_with_controlnet,
    overlaps,
    render_sketches,
    through_autoencoder,
)
from farm.demo.evaluation import generate, share
from farm.demo.export import CANNY, WORLD
from farm.demo.measuring import contact_sheet
from farm.demo.recipe import Recipe

EDGES = 100
REQUIRED = 0.7


def measure_controlnet(recipe: Recipe) -> dict[str, dict[str, float]]:
    """Measure the folders in `recipe.output`, keep figures and pictures, write the ControlNet's model card."""
    sketches = held_out_sketches(EDGES)
    plain = StableDiffusionPipeline.from_pretrained(recipe.output / WORLD)
    guided = load_with_controlnet(recipe.output / WORLD, recipe.output / CANNY)
    drawn = [sketch.drawing for sketch in sketches]
    shown = {
        "drawn": drawn,
        "autoencoded": through_autoencoder(plain.vae, drawn),
        "guided": render_sketches(guided, sketches),
        "guided, shape unnamed": render_sketches(guided, [_unnamed(sketch) for sketch in sketches]),
        "not guided": generate(plain, [sketch.prompt.text for sketch in sketches]),
    }
    figures = {name: _summary(overlaps(sketches, pictures)) for name, pictures in shown.items()}
    (recipe.work_dir / "controlnet.json").write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(figures, indent=2), file=sys.stderr)
    _sheet(sketches, shown).save(recipe.work_dir / "controlnet.png")
    trained = torch.load(recipe.course("controlnet").checkpoint, map_location="cpu", weights_only=True)
    card = controlnet_card(figures, EDGES, trained["step"], trained["seconds"] / 60)
    (recipe.output / CANNY / "README.md").write_text(card, encoding="utf-8")
    return figures


def _unnamed(sketch: Sketch) -> Sketch:
    """The same edges with a prompt that tells the colour only."""
    text = colour_wordings(sketch.prompt.scene.colour)[0]
    return replace(sketch, prompt=replace(sketch.prompt, text=text))


def _summary(found: Sequence[float]) -> dict[str, float]:
    return {
        "mean": sum(found) / len(found),
        "least": min(found),
        "reached": share([value >= REQUIRED for value in found]),
    }


def _sheet(sketches: Sequence[Sketch], shown: dict[str, list[Image.Image]]) -> Image.Image:
    """Drawing, edges, and the pictures with, with fewer words, and without the ControlNet, beside each other."""
    rows = [
        shown["drawn"],
        [sketch.edges for sketch in sketches],
        *(shown[name] for name in ("guided", "guided, shape unnamed", "not guided")),
    ]
    return contact_sheet([picture for column in zip(*rows, strict=True) for picture in column], 15)
