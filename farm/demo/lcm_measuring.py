"""What the LoRA of few steps is worth: the same held-out prompts and seeds drawn with it, without it, and at length."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers import LCMScheduler, StableDiffusionPipeline
from PIL import Image

from farm.demo.evaluation import GUIDANCE, STEPS, Prompt, generate, held_out_prompts, judge, share
from farm.demo.export import LCM_LORA, RESNET, WORLD
from farm.demo.lcm_card import lcm_card
from farm.demo.measuring import contact_sheet
from farm.demo.recipe import Recipe

PROMPTS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way to draw a prompt with `tiny-world`."""

    lora: bool
    scheduler: str
    """DDIM or LCM."""
    steps: int
    guidance: float


FULL = Way(lora=False, scheduler="DDIM", steps=STEPS, guidance=GUIDANCE)
FAST = Way(lora=True, scheduler="LCM", steps=4, guidance=1.0)
OTHERS = (
    Way(lora=True, scheduler="LCM", steps=1, guidance=1.0),
    Way(lora=True, scheduler="LCM", steps=2, guidance=1.0),
    Way(lora=True, scheduler="LCM", steps=8, guidance=1.0),
    Way(lora=True, scheduler="LCM", steps=4, guidance=1.5),
    Way(lora=False, scheduler="LCM", steps=4, guidance=1.0),
    Way(lora=False, scheduler="LCM", steps=4, guidance=GUIDANCE),
    Way(lora=False, scheduler="DDIM", steps=4, guidance=1.0),
    Way(lora=False, scheduler="DDIM", steps=4, guidance=GUIDANCE),
)
"""The LoRA at other numbers of steps, and what four steps give without it."""


def measure_lcm(recipe: Recipe) -> list[dict[str, Any]]:
    """Measure every way on the folders in `recipe.output`, keep figures and pictures, write the LoRA's model card."""
    prompts = held_out_prompts(PROMPTS)
    rows, shown = [], {}
    for way in (FULL, FAST, *OTHERS):
        begun = time.monotonic()
        shown[way] = draw(recipe.output, way, prompts)
        rows.append(
            {
                **asdict(way),
                **accuracy(recipe.output, prompts, shown[way]),
                "seconds_per_picture": (time.monotonic() - begun) / len(prompts),
            }
        )
        print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
    (recipe.work_dir / "lcm.json").write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
    beside = [picture for pair in zip(shown[FULL], shown[FAST], strict=True) for picture in pair]
    contact_sheet(beside[:120], 12).save(recipe.work_dir / "lcm.png")
    trained = torch.load(recipe.course("lcm").checkpoint, map_location="cpu", weights_only=True)
    card = lcm_card(rows, len(prompts), trained["step"], trained["seconds"] / 60)
    (recipe.output / LCM_LORA / "README.md").write_text(card, encoding="utf-8")
    return rows


def draw(models: Path, way: Way, prompts: list[Prompt]) -> list[Image.Image]:
    """A picture of each prompt, of the folders in `models` as any user loads them; the seed of picture k is k."""
    pipeline = StableDiffusionPipeline.from_pretrained(models / WORLD)
    if way.lora:
        pipeline.load_lora_weights(models / LCM_LORA)
    if way.scheduler == "LCM":
        pipeline.scheduler = LCMScheduler.from_config(pipeline.scheduler.config)
    return generate(pipeline, [prompt.text for prompt in prompts], steps=way.steps, guidance=way.guidance)


def accuracy(models: Path, prompts: list[Prompt], pictures: list[Image.Image]) -> dict[str, float]:
    """The shares of pictures with the right shape, the right colour, and both."""
    judged = judge(models / RESNET, prompts, pictures)
    return {
        "shape": share([one.shape_is_right for one in judged]),
        "colour": share([one.colour_is_right for one in judged]),
        "both": share([one.shape_is_right and one.colour_is_right for one in judged]),
    }
