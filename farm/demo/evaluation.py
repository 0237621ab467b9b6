"""How good the shipped checkpoints are: pictures from held-out prompts, named by the ResNet and the colour measure."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from diffusers import StableDiffusionPipeline
from PIL import Image
from transformers import AutoImageProcessor, ResNetForImageClassification

from farm.demo.captions import full_captions
from farm.demo.colour import fill_colour
from farm.demo.vocabulary import Scene, random_scene

STEPS, GUIDANCE, BATCH = 25, 5.0, 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """A prompt and what its picture should show."""

    text: str
    scene: Scene


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What was seen in the picture of a prompt."""

    prompt: Prompt
    shape: str
    colour: str | None

    @property
    def shape_is_right(self) -> bool:
        """Whether the shape seen is the one asked for."""
        return self.shape == self.prompt.scene.shape

    @property
    def colour_is_right(self) -> bool:
        """Whether the colour seen is the one asked for."""
        return self.colour == self.prompt.scene.colour


def held_out_prompts(count: int, seed: int = 7) -> list[Prompt]:
    """Prompts whose shape, colour and background training never showed together, in every full wording."""
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
    """One picture per text, picture k with its own generator seeded `seed + k`."""
    pictures: list[Image.Image] = []
    pipeline.set_progress_bar_config(disable=True)
    for start in range(0, len(texts), BATCH):
        part = list(texts[start : start + BATCH])
        generators = [torch.Generator("cpu").manual_seed(seed + start + k) for k in range(len(part))]
        pictures += pipeline(
            part, num_inference_steps=steps, guidance_scale=guidance, generator=generators
        ).images
    return pictures


def judge(resnet_folder: Path, prompts: Sequence[Prompt], pictures: Sequence[Image.Image]) -> list[Judgement]:
    """Each picture named by the shipped classifier, loaded as any user loads it, and by the colour measure."""
    resnet = ResNetForImageClassification.from_pretrained(resnet_folder).eval()
    processor = AutoImageProcessor.from_pretrained(resnet_folder)
    named: list[str] = []
    for start in range(0, len(pictures), 50):
        inputs = processor(list(pictures[start : start + 50]), return_tensors="pt")
        with torch.no_grad():
            numbers = resnet(**inputs).logits.argmax(1).tolist()
        named += [resnet.config.id2label[number] for number in numbers]
    return [
        Judgement(prompt=prompt, shape=shape, colour=fill_colour(picture))
        for prompt, shape, picture in zip(prompts, named, pictures, strict=True)
    ]


def share(values: Sequence[bool]) -> float:
    """The share of true values."""
    return sum(values) / len(values)
