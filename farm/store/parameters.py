"""The `parameters` text of A1111's web UI, which most viewers of generated pictures read."""

from __future__ import annotations

import json
import re

from farm.errors import printable
from farm.records import Conditioning, DiffusersSpec, Frame, RendererSpec

_FIELD = re.compile(r"(negative prompt|steps):", re.IGNORECASE)
"""What begins a part of the text, where it begins a line."""


def parameters_text(frame: Frame, renderer: RendererSpec, *, width: int, height: int) -> str:
    """Return the prompt, the negative prompt and a line of `Key: value` settings.

    A mixture of prompts is written `first :0.25 AND second :0.75`, the nearest thing that the convention knows.
    A prompt is one line here, so that no line of it is read as settings; the recipe has it as it is.
    """
    recipe = frame.recipe
    settings: dict[str, object] = {
        "Steps": recipe.arguments.get("num_inference_steps"),
        "Sampler": recipe.scheduler.class_name.removesuffix("Scheduler") or None,
        "CFG scale": recipe.arguments.get("guidance_scale"),
        "Seed": recipe.noise.seeds[0],
        "Size": f"{width}x{height}",
        "Clip skip": recipe.arguments.get("clip_skip"),
        "Eta": recipe.arguments.get("eta") or None,
    }
    if isinstance(renderer, DiffusersSpec):
        settings["Model"] = renderer.source.pretrained
        settings["Model hash"] = renderer.source.fingerprint[:10]
    settings["Version"] = "diffusion-farm"
    lines = [_prompt(recipe.conditioning)]
    if recipe.conditioning.negative_prompt:
        lines.append(f"Negative prompt: {_one_line(recipe.conditioning.negative_prompt)}")
    lines.append(
        ", ".join(f"{key}: {_quoted(value)}" for key, value in settings.items() if value is not None)
    )
    return "\n".join(lines)


def _prompt(conditioning: Conditioning) -> str:
    if len(conditioning.prompts) == 1:
        return _one_line(conditioning.prompts[0])
    weighted = zip(conditioning.prompts, conditioning.weights, strict=True)
    return " AND ".join(f"{_one_line(prompt)} :{weight:.4g}" for prompt, weight in weighted)


def _one_line(prompt: str) -> str:
    line = printable(" ".join(prompt.split()), keep="")
    return _FIELD.sub(r"\1\\:", line, count=1) if _FIELD.match(line) else line


def _quoted(value: object) -> str:
    """Return a value as JSON where its reader would take a part of it for something else."""
    text = str(value)
    is_plain = text.isprintable() and text == text.strip() and not set(text) & set(',:"')
    return text if is_plain else json.dumps(text)
