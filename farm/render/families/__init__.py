"""The families of pipelines: how each is called.

The general case is any diffusers pipeline that encodes its prompts with `encode_prompt` and draws its noise with the
generators it is given: it is called with words, and `PromptMixer` mixes what it makes of them. A pipeline that has
no such seam gets a class of its own here, with one, and a line in `FAMILIES`.
"""

from __future__ import annotations

import inspect
from typing import Any

import diffusers

from farm.errors import ModelError
from farm.render.families.latent_diffusion import LatentDiffusion

FAMILIES: dict[str, type[diffusers.DiffusionPipeline]] = {
    "LDMTextToImagePipeline": LatentDiffusion,
}
"""By the name of the diffusers pipeline that they stand for."""

_NEEDED = {
    "prompt": "words",
    "generator": "generators to draw noise with",
    "num_inference_steps": "number of steps",
}


def pipeline_class(name: str) -> Any:
    """Return the class that renders for the diffusers pipeline `name`.

    Raises:
        ModelError: when diffusers has none of this name, or it lacks what frames are made with.
    """
    if name in FAMILIES:
        return FAMILIES[name]
    cls = getattr(diffusers, name, None)
    if not (isinstance(cls, type) and issubclass(cls, diffusers.DiffusionPipeline)):
        raise ModelError(f"{name}: diffusers {diffusers.__version__} has no pipeline of this name.")
    missing = _missing(cls)
    if missing:
        raise ModelError(f"{name}: the farm cannot render with it: {missing}.")
    return cls


def _missing(cls: Any) -> str:
    if not hasattr(cls, "encode_prompt"):
        return "it has no encode_prompt, where prompts are mixed"
    takes = inspect.signature(cls.__call__).parameters
    lacking = [words for argument, words in _NEEDED.items() if argument not in takes]
    return f"its call takes no {lacking[0]}" if lacking else ""
