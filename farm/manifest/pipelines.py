"""The diffusers pipelines that the farm renders with, and what each takes: known without loading diffusers.

Made from diffusers 0.42.1 by the signatures of each `__call__`; a test compares them with the installed one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

Default = str | int | float | bool | tuple[int, int] | None

_STEPS: dict[str, Default] = {"num_inference_steps": 50, "guidance_scale": 7.5}
_SIZE: dict[str, Default] = {"height": None, "width": None}
_WORDS: dict[str, Default] = {"negative_prompt": None}
_SD = _WORDS | _STEPS | {"eta": 0.0, "clip_skip": None}
_START: dict[str, Default] = {"image": None, "strength": 0.8}
_MASK: dict[str, Default] = {
    "image": None,
    "mask_image": None,
    "padding_mask_crop": None,
    "strength": 1.0,
} | _SIZE
_CONTROL: dict[str, Default] = {
    "controlnet_conditioning_scale": 1.0,
    "control_guidance_start": 0.0,
    "control_guidance_end": 1.0,
    "guess_mode": False,
}
_CONTROLLED = _CONTROL | _SIZE | {"image": None}
_CONTROLLED_START = _CONTROL | _SIZE | _START | {"control_image": None, "controlnet_conditioning_scale": 0.8}
_XL_SIZES: dict[str, Default] = {
    "original_size": None,
    "target_size": None,
    "crops_coords_top_left": (0, 0),
    "negative_original_size": None,
    "negative_target_size": None,
    "negative_crops_coords_top_left": (0, 0),
}
_XL = _SD | _XL_SIZES | {"guidance_scale": 5.0}
_RESCALED: dict[str, Default] = {"guidance_rescale": 0.0, "denoising_end": None}
_SCORES: dict[str, Default] = {"aesthetic_score": 6.0, "negative_aesthetic_score": 2.5}
_LCM: dict[str, Default] = {
    "num_inference_steps": 4,
    "original_inference_steps": None,
    "guidance_scale": 8.5,
    "clip_skip": None,
}
_BINNED = _WORDS | {
    "negative_prompt": "",
    "num_inference_steps": 20,
    "guidance_scale": 4.5,
    "eta": 0.0,
    "use_resolution_binning": True,
    "max_sequence_length": 300,
}

_LORAS = frozenset({"loras"})
_CONFIG = frozenset({"config"})
"""Not beside a latent consistency model: of a single file, diffusers forgets what tells it the guidance scale."""
_SINGLE = _LORAS | _CONFIG
_CLIP = _SINGLE | {"textual_inversions", "ip_adapters"}
_NETS = _CLIP | {"controlnets"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """What a pipeline takes: `arguments` of its call with their own defaults, None where it has none to say.

    `parts` are the fields of `model` that it can be given beside its weights; `sampling` which schedulers it takes;
    `step` what its height and width are multiples of, in pixels; `net` what denoises;
    `pads_together` whether the prompts of a call are padded to the longest of them, and not to a fixed length.
    """

    arguments: Mapping[str, Default]
    parts: frozenset[str] = frozenset()
    sampling: Literal["diffusion", "flow", "consistency"] = "diffusion"
    step: int = 8
    net: Literal["unet", "transformer"] = "unet"
    pads_together: bool = False

    @property
    def control(self) -> str | None:
        """The argument that takes the ControlNets' pictures."""
        if "controlnets" not in self.parts:
            return None
        return "control_image" if "control_image" in self.arguments else "image"

    @property
    def needed_pictures(self) -> Iterator[str]:
        """The arguments without which it cannot be called."""
        return (name for name in ("image", "mask_image", "control_image") if name in self.arguments)

    @property
    def weighs_words(self) -> bool:
        """Whether all of its words go through CLIP, so that they can be weighted and learned."""
        return "textual_inversions" in self.parts


def _transformer(
    arguments: Mapping[str, Default],
    *,
    step: int,
    parts: frozenset[str] = _LORAS,
    pads_together: bool = False,
) -> Traits:
    return Traits(
        arguments=arguments,
        parts=parts,
        sampling="flow",
        step=step,
        net="transformer",
        pads_together=pads_together,
    )


PIPELINES: Mapping[str, Traits] = {
    "StableDiffusionPipeline": Traits(arguments=_SD | _SIZE | {"guidance_rescale": 0.0}, parts=_CLIP),
    "LDMTextToImagePipeline": Traits(arguments=_STEPS | _SIZE | {"guidance_scale": 1.0, "eta": 0.0}),
    "StableDiffusionXLPipeline": Traits(arguments=_XL | _SIZE | _RESCALED, parts=_CLIP | {"refiner"}),
    "LatentConsistencyModelPipeline": Traits(
        arguments=_LCM | _SIZE, parts=_CLIP - _CONFIG, sampling="consistency"
    ),
    "StableDiffusion3Pipeline": _transformer(
        _WORDS
        | _SIZE
        | {"num_inference_steps": 28, "guidance_scale": 7.0, "clip_skip": None, "max_sequence_length": 256},
        step=16,
        parts=_SINGLE,
    ),
    "FluxPipeline": _transformer(
        _WORDS
        | _SIZE
        | {
            "num_inference_steps": 28,
            "guidance_scale": 3.5,
            "true_cfg_scale": 1.0,
            "max_sequence_length": 512,
        },
        step=16,
        parts=_SINGLE,
    ),
    "PixArtSigmaPipeline": Traits(arguments=_BINNED | _SIZE, net="transformer"),
    "SanaPipeline": _transformer(_BINNED | {"height": 1024, "width": 1024}, step=32),
    "ZImagePipeline": _transformer(
        _WORDS | _SIZE | _STEPS | {"guidance_scale": 5.0, "max_sequence_length": 512},
        step=16,
        parts=_LORAS,
        pads_together=True,
    ),
    "QwenImagePipeline": _transformer(
        _WORDS | _SIZE | _STEPS | {"guidance_scale": None, "true_cfg_scale": 4.0, "max_sequence_length": 512},
        step=16,
        pads_together=True,
    ),
    "StableDiffusionImg2ImgPipeline": Traits(arguments=_SD | _START, parts=_CLIP),
    "StableDiffusionXLImg2ImgPipeline": Traits(
        arguments=_XL | _RESCALED | _SCORES | _START | {"strength": 0.3}, parts=_CLIP
    ),
    "StableDiffusionInpaintPipeline": Traits(arguments=_SD | _MASK, parts=_CLIP),
    "StableDiffusionXLInpaintPipeline": Traits(
        arguments=_XL | _RESCALED | _SCORES | _MASK | {"guidance_scale": 7.5, "strength": 0.9999}, parts=_CLIP
    ),
    "StableDiffusionDepth2ImgPipeline": Traits(
        arguments=_SD | _START | {"depth_map": None}, parts=_LORAS | {"textual_inversions"}
    ),
    "StableDiffusionControlNetPipeline": Traits(arguments=_SD | _CONTROLLED, parts=_NETS),
    "StableDiffusionXLControlNetPipeline": Traits(
        arguments=_XL | _CONTROLLED | {"denoising_end": None}, parts=_NETS
    ),
    "StableDiffusionControlNetImg2ImgPipeline": Traits(arguments=_SD | _CONTROLLED_START, parts=_NETS),
    "StableDiffusionControlNetInpaintPipeline": Traits(
        arguments=_SD | _CONTROLLED_START | _MASK | {"controlnet_conditioning_scale": 0.5}, parts=_NETS
    ),
    "StableDiffusionXLControlNetImg2ImgPipeline": Traits(
        arguments=_XL | _SCORES | _CONTROLLED_START, parts=_NETS
    ),
    "LatentConsistencyModelImg2ImgPipeline": Traits(
        arguments=_LCM | _START, parts=_CLIP - _CONFIG, sampling="consistency"
    ),
}


def call_arguments(pipeline: str, *, has_refiner: bool = False) -> Mapping[str, Default]:
    """Return what a pipeline's call takes, with its own defaults; a refiner takes scores beside it."""
    own = PIPELINES[pipeline].arguments
    return {**own, **_SCORES} if has_refiner else own
