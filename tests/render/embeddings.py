"""The embeddings and latents of a plain pipeline before sampling, by the names of its call's arguments."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import torch

_MASKED = (
    "prompt_embeds",
    "prompt_attention_mask",
    "negative_prompt_embeds",
    "negative_prompt_attention_mask",
)
_POOLED = (
    "prompt_embeds",
    "negative_prompt_embeds",
    "pooled_prompt_embeds",
    "negative_pooled_prompt_embeds",
)
_RETURNED: Mapping[str, tuple[str, ...]] = {
    "StableDiffusion3Pipeline": _POOLED,
    "FluxPipeline": ("prompt_embeds", "pooled_prompt_embeds"),
    "PixArtSigmaPipeline": _MASKED,
    "SanaPipeline": _MASKED,
    "QwenImagePipeline": ("prompt_embeds", "prompt_embeds_mask"),
}
"""The results of `encode_prompt`, if they differ from those of Stable Diffusion and SDXL."""


@torch.no_grad()
def embeddings(pipeline: Any, prompts: Sequence[str], negative_prompt: str | None) -> dict[str, Any]:
    """Encode prompts as the pipeline's call does, and return the arguments that replace the prompts."""
    call, encode = (
        inspect.signature(function).parameters for function in (pipeline.__call__, pipeline.encode_prompt)
    )
    given = {name: call[name].default for name in encode if name in call} | {"prompt": list(prompts)}
    if "do_classifier_free_guidance" in encode:
        given |= {"do_classifier_free_guidance": True, "num_images_per_prompt": 1}
    given = {name: value for name, value in given.items() if name in encode}
    name = type(pipeline).__name__
    names = _RETURNED.get(name, _POOLED if "XL" in name else _POOLED[:2])
    made = dict(zip(names, pipeline.encode_prompt(**given, device=torch.device("cpu")), strict=False))
    if negative_prompt is not None:
        negative = pipeline.encode_prompt(**given | {"prompt": [negative_prompt] * len(prompts)})
        made |= dict(zip((f"negative_{name}" for name in names), negative, strict=False))
    words = {name: None for name in ("prompt", "negative_prompt") if name in call}
    return words | {name: value for name, value in made.items() if name in call and value is not None}


def noise(pipeline: Any, side: int, generator: torch.Generator) -> torch.Tensor:
    """Draw the latents of one square picture, packed where the pipeline packs them."""
    net = getattr(pipeline, "unet", None) or pipeline.transformer
    edge, channels = side // pipeline.vae_scale_factor, net.config.in_channels
    if not hasattr(pipeline, "_pack_latents"):
        return torch.randn((1, channels, edge, edge), generator=generator)
    drawn = torch.randn((1, channels // 4, edge, edge), generator=generator)
    return pipeline._pack_latents(drawn, 1, channels // 4, edge, edge)
