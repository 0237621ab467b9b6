"""The held-out evaluation: every figure that a model card states is measured here, on the folders as shipped."""

from __future__ import annotations

import json
import os
import sys
import time
from collections import Counter
from typing import Any

import torch
from diffusers import StableDiffusionPipeline
from PIL import Image
from transformers import CLIPModel, CLIPTokenizer, ResNetForImageClassification

from farm.demo.cards import write_cards
from farm.demo.clip import zero_shot_accuracy
from farm.demo.colour import fill_colour
from farm.demo.drawings import Drawings
from farm.demo.evaluation import generate, held_out_prompts, judge, share
from farm.demo.export import CLIP, RESNET, WORLD
from farm.demo.interpolation import largest_jump, roughness, walk
from farm.demo.recipe import Recipe
from farm.demo.resnet import shapes_named
from farm.demo.vae import reconstruction_psnr

PROMPTS, FRAMES = 200, 150
WALKS = (
    ("a watercolor painting of a red star at the beach", "a cartoon of a blue fish in the sea"),
    ("a paper cutout of a yellow heart at sunset", "a neon sign of a green moon at night"),
)


def measure(recipe: Recipe) -> dict[str, Any]:
    """Measure the folders in `recipe.output`, keep figures and pictures in the work folder, write the model cards."""
    drawn = recipe.held_out_pictures()
    figures: dict[str, Any] = {
        "drawn": _on_drawn(recipe, drawn),
        "generated": _on_generated(recipe),
        "walks": _on_walks(recipe, drawn),
        "training": _training(recipe),
        "run": {
            "size": recipe.size,
            "pictures": len(recipe.training_pictures().scenes),
            "machine": _machine(recipe.device),
        },
    }
    (recipe.work_dir / "evaluation.json").write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(figures, indent=2), file=sys.stderr)
    write_cards(recipe.output, figures)
    return figures


def _on_drawn(recipe: Recipe, drawn: Drawings) -> dict[str, float]:
    clip = CLIPModel.from_pretrained(recipe.output / CLIP)
    tokenizer = CLIPTokenizer.from_pretrained(recipe.output / CLIP)
    resnet = ResNetForImageClassification.from_pretrained(recipe.output / RESNET)
    named = shapes_named(resnet, drawn.batch(torch.arange(len(drawn.scenes))))
    colours = [fill_colour(Image.fromarray(picture)) for picture in drawn.pixels]
    pipeline = StableDiffusionPipeline.from_pretrained(recipe.output / WORLD)
    return {
        "pictures": len(drawn.scenes),
        "resnet_shape": share([a == b.shape for a, b in zip(named, drawn.scenes, strict=True)]),
        "measure_colour": share([a == b.colour for a, b in zip(colours, drawn.scenes, strict=True)]),
        "vae_psnr": reconstruction_psnr(pipeline.vae, drawn, torch.device("cpu")),
        **{f"clip_{group}": value for group, value in zero_shot_accuracy(clip, tokenizer, drawn).items()},
    }


def _on_generated(recipe: Recipe) -> dict[str, Any]:
    pipeline = StableDiffusionPipeline.from_pretrained(recipe.output / WORLD)
    prompts = held_out_prompts(PROMPTS)
    begun = time.monotonic()
    pictures = generate(pipeline, [prompt.text for prompt in prompts])
    seconds = time.monotonic() - begun
    judged = judge(recipe.output / RESNET, prompts, pictures)
    contact_sheet(pictures[:100], 10).save(recipe.work_dir / "generated.png")
    missed = Counter(
        f"{one.prompt.scene.colour} {one.prompt.scene.shape} seen as {one.colour} {one.shape}"
        for one in judged
        if not (one.shape_is_right and one.colour_is_right)
    )
    return {
        "prompts": len(prompts),
        "shape": share([one.shape_is_right for one in judged]),
        "colour": share([one.colour_is_right for one in judged]),
        "both": share([one.shape_is_right and one.colour_is_right for one in judged]),
        "seconds_per_picture": seconds / len(prompts),
        "missed": dict(missed),
    }


def _on_walks(recipe: Recipe, drawn: Drawings) -> dict[str, float]:
    pipeline = StableDiffusionPipeline.from_pretrained(recipe.output / WORLD)
    jumps, rough = [], []
    for number, (first, last) in enumerate(WALKS):
        frames = walk(pipeline, first, last, FRAMES)
        frames[0].save(
            recipe.work_dir / f"walk{number}.gif",
            save_all=True,
            append_images=frames[1:],
            duration=66,
            loop=0,
        )
        contact_sheet(frames[::5], 10).save(recipe.work_dir / f"walk{number}.png")
        jumps.append(largest_jump(frames))
        rough.append(max(roughness(frame) for frame in frames))
    return {
        "frames": FRAMES,
        "largest_jump": max(jumps),
        "roughest_frame": max(rough),
        "roughest_drawn": max(roughness(Image.fromarray(picture)) for picture in drawn.pixels),
    }


def _training(recipe: Recipe) -> dict[str, dict[str, float]]:
    found = {}
    for name in ("vae", "vae-sharp", "text", "clip", "clip-mean", "resnet", "unet"):
        path = recipe.course(name).checkpoint
        saved = (
            torch.load(path, map_location="cpu", weights_only=True)
            if path.exists()
            else {"step": 0, "seconds": 0.0}
        )
        found[name] = {"steps": saved["step"], "minutes": round(saved["seconds"] / 60, 1)}
    return found


def _machine(device: torch.device) -> str:
    return (
        torch.cuda.get_device_name(device) if device.type == "cuda" else f"a CPU with {os.cpu_count()} cores"
    )


def contact_sheet(pictures: list[Image.Image], columns: int) -> Image.Image:
    """The pictures side by side, row by row, with a gap of two pixels."""
    width, height = pictures[0].size
    rows = -(-len(pictures) // columns)
    sheet = Image.new("RGB", (columns * (width + 2), rows * (height + 2)))
    for number, picture in enumerate(pictures):
        sheet.paste(picture, (number % columns * (width + 2), number // columns * (height + 2)))
    return sheet
