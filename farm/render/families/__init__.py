"""Pipeline classes by the names of diffusers.

The farm can use any diffusers pipeline that encodes its prompts with `encode_prompt` and draws its noise from the
generators in its call; `PromptMixer` then mixes the encodings. A pipeline without that method gets a class with one in
this package, and an entry in `FAMILIES`.
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
"""By the name of the diffusers pipeline that each replaces."""

_REQUIRED = {
    "prompt": "prompts",
    "generator": "generators for its noise",
    "num_inference_steps": "number of steps",
}


def pipeline_class(name: str) -> Any:
    """Return the class that renders the diffusers pipeline `name`.

    Raises:
        ModelError: when diffusers has no such pipeline, or it lacks a method or argument that the farm needs.
    """
    if name in FAMILIES:
        return FAMILIES[name]
    cls = getattr(diffusers, name, None)
    if not (isinstance(cls, type) and issubclass(cls, diffusers.DiffusionPipeline)):
        raise ModelError(f"{name}: diffusers {diffusers.__version__} has no pipeline of this name.")
    missing = _missing(cls)
    if missing:
        raise ModelError(f"{name}: the farm cannot use it: {missing}.")
    return cls


def _missing(cls: Any) -> str:
    if not hasattr(cls, "encode_prompt"):
        return "it has no encode_prompt, in which prompts are mixed"
    takes = inspect.signature(cls.__call__).parameters
    missing = [words for argument, words in _REQUIRED.items() if argument not in takes]
    return f"its call takes no {missing[0]}" if missing else ""
