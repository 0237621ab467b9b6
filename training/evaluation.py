"""Evaluation of tiny-world, its CLIP and its ResNet on held-out combinations: every figure of their model cards.

Generated pictures are classified by the ResNet and by the colour measure. Everything is measured on the exported
folders, loaded as any user loads them.
"""

from __future__ import annotations

import json
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers import StableDiffusionPipeline
from PIL import Image
from transformers import AutoImageProcessor, CLIPModel, CLIPTokenizer, ResNetForImageClassification

from training.cards import write_cards
from training.clip import zero_shot_accuracy
from training.config import RunConfig
from training.dataset import Drawings
from training.export import CLIP, RESNET, WORLD
from training.measures import fill_colour, largest_jump, roughness
from training.resnet import classify_shapes
from training.scenes import Scene, full_captions, random_scene
from training.vae import reconstruction_psnr

STEPS, GUIDANCE, BATCH = 25, 5.0, 20
PROMPTS, FRAMES = 200, 150
INTERPOLATIONS = (
    ("a watercolor painting of a red star at the beach", "a cartoon of a blue fish in the sea"),
    ("a paper cutout of a yellow heart at sunset", "a neon sign of a green moon at night"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """A prompt and what its picture should show."""

    text: str
    scene: Scene


@dataclass(frozen=True, slots=True, kw_only=True)
class Classification:
    """The predicted content of the picture of a prompt."""

    prompt: Prompt
    shape: str
    colour: str | None

    @property
    def shape_is_right(self) -> bool:
        """Whether the predicted shape is the prompt's."""
        return self.shape == self.prompt.scene.shape

    @property
    def colour_is_right(self) -> bool:
        """Whether the predicted colour is the prompt's."""
        return self.colour == self.prompt.scene.colour

    @property
    def is_right(self) -> bool:
        """Whether shape and colour are the prompt's."""
        return self.shape_is_right and self.colour_is_right


def held_out_prompts(count: int, seed: int = 7) -> list[Prompt]:
    """Return prompts of held-out combinations, in every full wording."""
    rng = random.Random(f"prompts {seed}")
    scenes = [random_scene("held-out", rng) for _ in range(count)]
    return [
        Prompt(text=rng.choice(full_captions(scene, with_style=rng.random() < 0.8)).text, scene=scene)
        for scene in scenes
    ]


def generate(
    pipeline: StableDiffusionPipeline,
    texts: Sequence[str],
    seed: int = 0,
    *,
    steps: int = STEPS,
    guidance: float = GUIDANCE,
) -> list[Image.Image]:
    """Generate one picture per text, picture k with its own generator seeded `seed + k`."""
    pictures: list[Image.Image] = []
    pipeline.set_progress_bar_config(disable=True)
    for start in range(0, len(texts), BATCH):
        part = list(texts[start : start + BATCH])
        generators = [torch.Generator("cpu").manual_seed(seed + start + k) for k in range(len(part))]
        pictures += pipeline(
            part, num_inference_steps=steps, guidance_scale=guidance, generator=generators
        ).images
    return pictures


def interpolate(
    pipeline: StableDiffusionPipeline, first: str, last: str, frames: int, seed: int = 0
) -> list[Image.Image]:
    """Generate `frames` pictures with linearly interpolated prompt embeddings and the same noise."""
    pipeline.set_progress_bar_config(disable=True)
    states, empty = pipeline.encode_prompt([first, last], torch.device("cpu"), 1, True)
    pictures: list[Image.Image] = []
    for start in range(0, frames, BATCH):
        alphas = torch.arange(start, min(start + BATCH, frames)).view(-1, 1, 1) / (frames - 1)
        embeds = torch.lerp(states[:1], states[1:], alphas)
        pictures += pipeline(
            prompt_embeds=embeds,
            negative_prompt_embeds=empty[:1].expand_as(embeds),
            num_inference_steps=STEPS,
            guidance_scale=GUIDANCE,
            generator=[torch.Generator("cpu").manual_seed(seed) for _ in embeds],
        ).images
    return pictures


def classify(
    resnet_folder: Path, prompts: Sequence[Prompt], pictures: Sequence[Image.Image]
) -> list[Classification]:
    """Predict the shape of each picture with the exported ResNet, and its colour with the colour measure."""
    resnet = ResNetForImageClassification.from_pretrained(resnet_folder).eval()
    processor = AutoImageProcessor.from_pretrained(resnet_folder)
    shapes: list[str] = []
    for start in range(0, len(pictures), 50):
        inputs = processor(list(pictures[start : start + 50]), return_tensors="pt")
        with torch.no_grad():
            numbers = resnet(**inputs).logits.argmax(1).tolist()
        shapes += [resnet.config.id2label[number] for number in numbers]
    return [
        Classification(prompt=prompt, shape=shape, colour=fill_colour(picture))
        for prompt, shape, picture in zip(prompts, shapes, pictures, strict=True)
    ]


def accuracy(classifications: Sequence[Classification]) -> dict[str, float]:
    """Return the shares of pictures with the right shape, the right colour, and both."""
    return {
        "shape": share([one.shape_is_right for one in classifications]),
        "colour": share([one.colour_is_right for one in classifications]),
        "both": share([one.is_right for one in classifications]),
    }


def share(values: Sequence[bool]) -> float:
    """Return the share of true values."""
    return sum(values) / len(values)


def contact_sheet(pictures: Sequence[Image.Image], columns: int) -> Image.Image:
    """Return the pictures in rows of `columns`, with gaps of two pixels."""
    width, height = pictures[0].size
    rows = -(-len(pictures) // columns)
    sheet = Image.new("RGB", (columns * (width + 2), rows * (height + 2)))
    for number, picture in enumerate(pictures):
        sheet.paste(picture, (number % columns * (width + 2), number // columns * (height + 2)))
    return sheet


def evaluate(config: RunConfig) -> dict[str, Any]:
    """Evaluate the folders in `config.output`; save figures and pictures in the work folder, write the model cards."""
    drawings = config.held_out_pictures()
    figures: dict[str, Any] = {
        "drawn": _on_drawings(config, drawings),
        "generated": _on_generated(config),
        "walks": _on_interpolations(config, drawings),
        "training": _training(config),
        "run": {
            "size": config.size,
            "pictures": len(config.training_pictures().scenes),
            "machine": _machine(config.device),
        },
    }
    save_figures(config, "evaluation", figures)
    write_cards(config.output, figures)
    return figures


def save_figures(config: RunConfig, name: str, figures: Any) -> None:
    """Print figures, and save them as JSON in the work folder."""
    text = json.dumps(figures, indent=2)
    (config.work_dir / f"{name}.json").write_text(text + "\n", encoding="utf-8")
    print(text, file=sys.stderr, flush=True)


def training_time(config: RunConfig, name: str) -> tuple[int, float]:
    """Return how many steps and minutes the named training has taken, 0 if it was not started."""
    path = config.checkpoint(name)
    if not path.exists():
        return 0, 0.0
    saved = torch.load(path, map_location="cpu", weights_only=True)
    return saved["step"], saved["seconds"] / 60


def _on_drawings(config: RunConfig, drawings: Drawings) -> dict[str, float]:
    clip = CLIPModel.from_pretrained(config.output / CLIP)
    tokenizer = CLIPTokenizer.from_pretrained(config.output / CLIP)
    resnet = ResNetForImageClassification.from_pretrained(config.output / RESNET)
    shapes = classify_shapes(resnet, drawings.batch(torch.arange(len(drawings.scenes))))
    colours = [fill_colour(Image.fromarray(picture)) for picture in drawings.pixels]
    pipeline = StableDiffusionPipeline.from_pretrained(config.output / WORLD)
    return {
        "pictures": len(drawings.scenes),
        "resnet_shape": share([a == b.shape for a, b in zip(shapes, drawings.scenes, strict=True)]),
        "measure_colour": share([a == b.colour for a, b in zip(colours, drawings.scenes, strict=True)]),
        "vae_psnr": reconstruction_psnr(pipeline.vae, drawings, torch.device("cpu")),
        **{f"clip_{group}": value for group, value in zero_shot_accuracy(clip, tokenizer, drawings).items()},
    }


def _on_generated(config: RunConfig) -> dict[str, Any]:
    pipeline = StableDiffusionPipeline.from_pretrained(config.output / WORLD)
    prompts = held_out_prompts(PROMPTS)
    start = time.monotonic()
    pictures = generate(pipeline, [prompt.text for prompt in prompts])
    seconds = time.monotonic() - start
    classified = classify(config.output / RESNET, prompts, pictures)
    contact_sheet(pictures[:100], 10).save(config.work_dir / "generated.png")
    missed = Counter(
        f"{one.prompt.scene.colour} {one.prompt.scene.shape} seen as {one.colour} {one.shape}"
        for one in classified
        if not one.is_right
    )
    return {
        "prompts": len(prompts),
        **accuracy(classified),
        "seconds_per_picture": seconds / len(prompts),
        "missed": dict(missed),
    }


def _on_interpolations(config: RunConfig, drawings: Drawings) -> dict[str, float]:
    pipeline = StableDiffusionPipeline.from_pretrained(config.output / WORLD)
    jumps, rough = [], []
    for number, (first, last) in enumerate(INTERPOLATIONS):
        frames = interpolate(pipeline, first, last, FRAMES)
        frames[0].save(
            config.work_dir / f"walk{number}.gif",
            save_all=True,
            append_images=frames[1:],
            duration=66,
            loop=0,
        )
        contact_sheet(frames[::5], 10).save(config.work_dir / f"walk{number}.png")
        jumps.append(largest_jump(frames))
        rough.append(max(roughness(frame) for frame in frames))
    return {
        "frames": FRAMES,
        "largest_jump": max(jumps),
        "roughest_frame": max(rough),
        "roughest_drawn": max(roughness(Image.fromarray(picture)) for picture in drawings.pixels),
    }


def _training(config: RunConfig) -> dict[str, dict[str, float]]:
    figures: dict[str, dict[str, float]] = {}
    for name in ("vae", "vae-sharp", "text", "clip", "clip-mean", "resnet", "unet"):
        steps, minutes = training_time(config, name)
        figures[name] = {"steps": steps, "minutes": round(minutes, 1)}
    return figures


def _machine(device: torch.device) -> str:
    return (
        torch.cuda.get_device_name(device) if device.type == "cuda" else f"a CPU with {os.cpu_count()} cores"
    )
