"""The `render` section: arguments of the pipeline call, by diffusers' names."""

from __future__ import annotations

from typing import Annotated, Literal

from farm.manifest.fields import Keyframed, KeyframedShare, Prompt
from farm.manifest.section import Section
from farm.manifest.takes import Whole

Pixels = Annotated[int, Whole(8, 8192, step=8)]


class Render(Section):
    """Arguments of the pipeline call, by diffusers' names."""

    num_inference_steps: Annotated[int, Whole(1, 1000)] = 50
    """Denoising steps."""

    guidance_scale: Keyframed = 7.5
    """How closely the picture follows the prompt: a number, or a map of frame to number."""

    negative_prompt: Prompt = ""
    """What guidance leads away from."""

    height: Pixels | None = None
    """Pixels; null is the checkpoint's own size."""

    width: Pixels | None = None
    """Pixels; null is the checkpoint's own size."""

    batch_size: Annotated[int, Whole(1, 256)] = 1
    """Frames per model call. Part of the recipe: another one gives other last bits."""

    eta: KeyframedShare = 0.0
    """DDIM's share of fresh noise in each step: a number, or a map of frame to number."""

    guidance_rescale: KeyframedShare = 0.0
    """How far over-exposure by guidance is undone: a number, or a map of frame to number."""

    clip_skip: Annotated[int, Whole(1, 12)] | None = None
    """How many of CLIP's last layers are left out; null for none."""

    determinism: Literal["strict", "fast"] = "strict"
    """strict: one kind of GPU gives a recipe the same bits always; fast: what is fastest. A CPU is always strict."""


KEYFRAMED = ("guidance_scale", "eta", "guidance_rescale")
"""Arguments that take keyframes."""
