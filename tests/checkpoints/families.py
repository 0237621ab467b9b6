"""Every family of pipelines by its name: a function that saves its checkpoint, and a quick plain call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.checkpoints.flux import save_flux
from tests.checkpoints.latent_consistency import save_latent_consistency
from tests.checkpoints.latent_diffusion import save_latent_diffusion
from tests.checkpoints.pixart import save_pixart
from tests.checkpoints.qwen_image import save_qwen_image
from tests.checkpoints.sana import save_sana
from tests.checkpoints.stable_diffusion import save_stable_diffusion
from tests.checkpoints.stable_diffusion_3 import save_stable_diffusion_3
from tests.checkpoints.stable_diffusion_xl import save_stable_diffusion_xl
from tests.checkpoints.z_image import save_z_image


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """A text-to-image pipeline; `side` is the height and width of a quick call, in pixels."""

    save: Callable[[Path], Path]
    side: int
    call: Mapping[str, Any] = field(default_factory=dict)


FAMILIES: Mapping[str, Family] = {
    "StableDiffusionPipeline": Family(save=save_stable_diffusion, side=16),
    "StableDiffusionXLPipeline": Family(save=save_stable_diffusion_xl, side=16),
    "LatentConsistencyModelPipeline": Family(save=save_latent_consistency, side=16),
    "LDMTextToImagePipeline": Family(save=save_latent_diffusion, side=32, call={"guidance_scale": 5.0}),
    "StableDiffusion3Pipeline": Family(save=save_stable_diffusion_3, side=16),
    "FluxPipeline": Family(save=save_flux, side=16),
    "PixArtSigmaPipeline": Family(save=save_pixart, side=64, call={"use_resolution_binning": False}),
    "SanaPipeline": Family(save=save_sana, side=64, call={"use_resolution_binning": False}),
    "ZImagePipeline": Family(save=save_z_image, side=16),
    "QwenImagePipeline": Family(save=save_qwen_image, side=32, call={"negative_prompt": "dull"}),
}
