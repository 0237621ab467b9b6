"""Every tested way of making pictures: a checkpoint, the arguments of the call, and additions to the model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.checkpoints.controlnet import save_controlnet, save_controlnet_xl
from tests.checkpoints.families import FAMILIES, Family
from tests.checkpoints.latent_consistency import save_latent_consistency
from tests.checkpoints.stable_diffusion import save_depth, save_inpainting, save_stable_diffusion
from tests.checkpoints.stable_diffusion_xl import save_stable_diffusion_xl


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way: `pictures` by their names in the call, `nets` the ControlNets, `side` of the generated pictures.

    One that `pads_to_longest` encodes a chunk's prompts to the length of the longest, so that it is part of the recipe.
    """

    pipeline: str
    save: Callable[[Path], Path]
    pictures: tuple[str, ...] = ()
    nets: tuple[Callable[[Path], Path], ...] = ()
    side: int = 16
    negative_prompt: str | None = None
    pads_to_longest: bool = False
    what: str = "text to image"
    call: Mapping[str, Any] = field(default_factory=dict)


def _text_to_image(pipeline: str, family: Family) -> Way:
    call = dict(family.call) | {"height": family.side, "width": family.side}
    negative = call.pop("negative_prompt", None)
    return Way(
        pipeline=pipeline,
        save=family.save,
        side=family.side,
        negative_prompt=negative,
        pads_to_longest=pipeline == "QwenImagePipeline",
        call=call,
    )


_TEXT = {name: _text_to_image(name, family) for name, family in FAMILIES.items()}

_PICTURED: Mapping[str, Way] = {
    "image to image": Way(
        what="image to image",
        pipeline="StableDiffusionImg2ImgPipeline",
        save=save_stable_diffusion,
        pictures=("image",),
        call={"strength": 0.75},
    ),
    "image to image, SDXL": Way(
        what="image to image, SDXL",
        pipeline="StableDiffusionXLImg2ImgPipeline",
        save=save_stable_diffusion_xl,
        pictures=("image",),
        call={"strength": 0.75},
    ),
    "image to image, LCM": Way(
        what="image to image, LCM",
        pipeline="LatentConsistencyModelImg2ImgPipeline",
        save=save_latent_consistency,
        pictures=("image",),
        call={"strength": 0.75},
    ),
    "inpainting": Way(
        what="inpainting",
        pipeline="StableDiffusionInpaintPipeline",
        save=save_inpainting,
        pictures=("image", "mask_image"),
        call={"strength": 1.0},
    ),
    "inpainting, part of the steps": Way(
        what="inpainting, part of the steps",
        pipeline="StableDiffusionInpaintPipeline",
        save=save_inpainting,
        pictures=("image", "mask_image"),
        call={"strength": 0.6},
    ),
    "inpainting, UNet of four channels": Way(
        what="inpainting, UNet of four channels",
        pipeline="StableDiffusionInpaintPipeline",
        save=save_stable_diffusion,
        pictures=("image", "mask_image"),
        call={"strength": 1.0},
    ),
    "inpainting, SDXL": Way(
        what="inpainting, SDXL",
        pipeline="StableDiffusionXLInpaintPipeline",
        save=save_stable_diffusion_xl,
        pictures=("image", "mask_image"),
        call={"strength": 0.9},
    ),
    "depth to image": Way(
        what="depth to image",
        pipeline="StableDiffusionDepth2ImgPipeline",
        save=save_depth,
        pictures=("image",),
        call={"strength": 0.75},
    ),
    "ControlNet": Way(
        what="ControlNet",
        pipeline="StableDiffusionControlNetPipeline",
        save=save_stable_diffusion,
        pictures=("image",),
        nets=(save_controlnet,),
        call={"controlnet_conditioning_scale": 0.7, "control_guidance_end": 0.8},
    ),
    "ControlNet, image to image": Way(
        what="ControlNet, image to image",
        pipeline="StableDiffusionControlNetImg2ImgPipeline",
        save=save_stable_diffusion,
        pictures=("image", "control_image"),
        nets=(save_controlnet,),
        call={"strength": 0.75},
    ),
    "ControlNet, inpainting": Way(
        what="ControlNet, inpainting",
        pipeline="StableDiffusionControlNetInpaintPipeline",
        save=save_stable_diffusion,
        pictures=("image", "mask_image", "control_image"),
        nets=(save_controlnet,),
        call={"strength": 1.0},
    ),
    "ControlNet, SDXL": Way(
        what="ControlNet, SDXL",
        pipeline="StableDiffusionXLControlNetPipeline",
        save=save_stable_diffusion_xl,
        pictures=("image",),
        nets=(save_controlnet_xl,),
        call={"controlnet_conditioning_scale": 0.7},
    ),
    "ControlNet, SDXL, image to image": Way(
        what="ControlNet, SDXL, image to image",
        pipeline="StableDiffusionXLControlNetImg2ImgPipeline",
        save=save_stable_diffusion_xl,
        pictures=("image", "control_image"),
        nets=(save_controlnet_xl,),
        call={"strength": 0.75},
    ),
}

WAYS: Mapping[str, Way] = {f"text to image, {name}": way for name, way in _TEXT.items()} | _PICTURED
"""By name."""

ONE_OF_EACH_FAMILY: tuple[str, ...] = (
    *(name for name in WAYS if name not in _PICTURED),
    "image to image",
    "inpainting",
    "ControlNet",
)
"""Text to image of every family of checkpoints, and each kind of picture input, with one family."""
