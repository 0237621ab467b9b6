"""The supported diffusers pipelines and their arguments, without loading diffusers.

The table was built from the signature of each `__call__` in diffusers 0.42.1; a test compares it with the installed
version.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from farm.manifest.schedulers import FLOW, SOLVERS

Default = str | int | float | bool | tuple[int, int] | None

UNET = "UNet2DConditionModel"
SD = "stable-diffusion-v1-5/stable-diffusion-v1-5"
_EULER, _HEUN, _LCM_SCHEDULER = FLOW


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """The arguments and components of a pipeline. Omitted fields have the most common value."""

    arguments: Mapping[str, Default]
    """Arguments of its call with their defaults; None where the default is None or depends on the checkpoint."""
    parts: frozenset[str] = frozenset()
    """Fields of `model` that it supports in addition to its weights."""
    denoiser: str = UNET
    """Class of the UNet or transformer."""
    components: tuple[str, ...] = ("vae", "text_encoder", "tokenizer")
    """The other components that it requires, by the names of its arguments."""
    sampling: Literal["diffusion", "flow", "consistency"] = "diffusion"
    flow_schedulers: tuple[str, ...] = (_EULER,)
    """The schedulers that a flow-matching pipeline supports."""
    own_scheduler: str = ""
    """Scheduler of its checkpoints, if other schedulers cannot use its settings unchanged; empty otherwise."""
    scales_latents: bool = True
    """Whether it scales latents as its scheduler requires."""
    guided_above: int = 1
    """The guidance_scale above which a negative prompt has an effect."""
    size_multiple: int = 8
    """Height and width must be multiples of this, in pixels."""
    max_sequence_length: int | None = None
    """Upper bound of its argument of this name; None for no bound."""
    pads_to_longest: bool = False
    """Whether the prompts of a call are padded to the longest of them instead of a fixed length."""
    usual_config: str = SD
    """The model that most single-file checkpoints for it are variants of."""

    @property
    def denoiser_component(self) -> Literal["unet", "transformer"]:
        """The name of the denoiser's argument."""
        return "unet" if self.denoiser == UNET else "transformer"

    @property
    def control_argument(self) -> str | None:
        """The argument for control pictures; None without ControlNets."""
        if "controlnets" not in self.parts:
            return None
        return "control_image" if "control_image" in self.arguments else "image"

    @property
    def required_images(self) -> Iterator[str]:
        """The picture arguments that a call requires."""
        return (name for name in ("image", "mask_image", "control_image") if name in self.arguments)

    @property
    def uses_clip_only(self) -> bool:
        """Whether CLIP is its only kind of text encoder, so that words can be weighted and learned."""
        return "textual_inversions" in self.parts

    @property
    def starts_from_image(self) -> bool:
        """Whether it starts from a picture with added noise."""
        return "strength" in self.arguments

    @property
    def is_inpainting(self) -> bool:
        """Whether it fills in a masked area."""
        return "mask_image" in self.arguments

    @property
    def takes_depth(self) -> bool:
        """Whether its UNet is conditioned on a depth map."""
        return "depth_map" in self.arguments

    @property
    def has_size_conditioning(self) -> bool:
        """Whether its UNet is conditioned on picture sizes, as in Stable Diffusion XL."""
        return "original_size" in self.arguments

    @property
    def has_guidance_embedding(self) -> bool:
        """Whether its UNet is conditioned on the guidance scale."""
        return self.sampling == "consistency"

    @property
    def passes_generators_to_scheduler(self) -> bool:
        """Whether its scheduler draws noise from the frames' generators, as consistency models require."""
        return self.sampling != "flow" or _LCM_SCHEDULER in self.flow_schedulers


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
"""Not for latent consistency models: diffusers drops the guidance embedding of a single file."""
_SINGLE = _LORAS | _CONFIG
_CLIP = _SINGLE | {"textual_inversions", "ip_adapters"}
_NETS = _CLIP | {"controlnets"}


_DPM = "DPMSolverMultistepScheduler"
_SECOND = ("text_encoder_2", "tokenizer_2")
_ENCODERS = ("vae", "text_encoder", "tokenizer")
_XL_BASE = "stabilityai/stable-diffusion-xl-base-1.0"
_SD_INPAINTING = f"stable-diffusion-v1-5/stable-diffusion-inpainting or {SD}"


def _xl(
    arguments: Mapping[str, Default],
    *,
    parts: frozenset[str] = _CLIP,
    components: tuple[str, ...] = (*_ENCODERS, *_SECOND),
    usual_config: str = _XL_BASE,
) -> Traits:
    return Traits(arguments=arguments, parts=parts, components=components, usual_config=usual_config)


_REFINES = ("vae", *_SECOND)
"""Components of pipelines that also accept a refiner's weights, which include only the second text encoder."""

PIPELINES: Mapping[str, Traits] = {
    "StableDiffusionPipeline": Traits(arguments=_SD | _SIZE | {"guidance_rescale": 0.0}, parts=_CLIP),
    "LDMTextToImagePipeline": Traits(
        arguments=_STEPS | _SIZE | {"guidance_scale": 1.0, "eta": 0.0},
        components=("vqvae", "bert", "tokenizer"),
        scales_latents=False,
    ),
    "StableDiffusionXLPipeline": _xl(_XL | _SIZE | _RESCALED, parts=_CLIP | {"refiner"}),
    "LatentConsistencyModelPipeline": Traits(
        arguments=_LCM | _SIZE, parts=_CLIP - _CONFIG, sampling="consistency"
    ),
    "StableDiffusion3Pipeline": Traits(
        arguments=_WORDS
        | _SIZE
        | {"num_inference_steps": 28, "guidance_scale": 7.0, "clip_skip": None, "max_sequence_length": 256},
        parts=_SINGLE,
        denoiser="SD3Transformer2DModel",
        components=(*_ENCODERS, *_SECOND),
        sampling="flow",
        flow_schedulers=(_EULER, _HEUN, *SOLVERS),
        size_multiple=16,
        max_sequence_length=512,
        usual_config="stabilityai/stable-diffusion-3-medium-diffusers",
    ),
    "FluxPipeline": Traits(
        arguments=_WORDS
        | _SIZE
        | {
            "num_inference_steps": 28,
            "guidance_scale": 3.5,
            "true_cfg_scale": 1.0,
            "max_sequence_length": 512,
        },
        parts=_SINGLE,
        denoiser="FluxTransformer2DModel",
        components=(*_ENCODERS, *_SECOND),
        sampling="flow",
        flow_schedulers=(_EULER, *SOLVERS),
        size_multiple=16,
        max_sequence_length=512,
        usual_config="black-forest-labs/FLUX.1-dev",
    ),
    "PixArtSigmaPipeline": Traits(
        arguments=_BINNED | _SIZE, denoiser="PixArtTransformer2DModel", own_scheduler=_DPM
    ),
    "SanaPipeline": Traits(
        arguments=_BINNED | {"height": 1024, "width": 1024},
        parts=_LORAS,
        denoiser="SanaTransformer2DModel",
        sampling="flow",
        flow_schedulers=(*FLOW, *SOLVERS),
        own_scheduler=_DPM,
        size_multiple=32,
    ),
    "ZImagePipeline": Traits(
        arguments=_WORDS | _SIZE | _STEPS | {"guidance_scale": 5.0, "max_sequence_length": 512},
        parts=_LORAS,
        denoiser="ZImageTransformer2DModel",
        sampling="flow",
        guided_above=0,
        size_multiple=16,
        pads_to_longest=True,
    ),
    "QwenImagePipeline": Traits(
        arguments=_WORDS
        | _SIZE
        | _STEPS
        | {"guidance_scale": None, "true_cfg_scale": 4.0, "max_sequence_length": 512},
        parts=_LORAS,
        denoiser="QwenImageTransformer2DModel",
        sampling="flow",
        flow_schedulers=(_EULER, "UniPCMultistepScheduler"),
        size_multiple=16,
        max_sequence_length=1024,
        pads_to_longest=True,
    ),
    "StableDiffusionImg2ImgPipeline": Traits(arguments=_SD | _START, parts=_CLIP),
    "StableDiffusionXLImg2ImgPipeline": _xl(
        _XL | _RESCALED | _SCORES | _START | {"strength": 0.3}, components=_REFINES
    ),
    "StableDiffusionInpaintPipeline": Traits(arguments=_SD | _MASK, parts=_CLIP, usual_config=_SD_INPAINTING),
    "StableDiffusionXLInpaintPipeline": _xl(
        _XL | _RESCALED | _SCORES | _MASK | {"guidance_scale": 7.5, "strength": 0.9999},
        components=_REFINES,
        usual_config=f"diffusers/stable-diffusion-xl-1.0-inpainting-0.1 or {_XL_BASE}",
    ),
    "StableDiffusionDepth2ImgPipeline": Traits(
        arguments=_SD | _START | {"depth_map": None},
        parts=_LORAS | {"textual_inversions"},
        components=(*_ENCODERS, "depth_estimator"),
    ),
    "StableDiffusionControlNetPipeline": Traits(arguments=_SD | _CONTROLLED, parts=_NETS),
    "StableDiffusionXLControlNetPipeline": _xl(_XL | _CONTROLLED | {"denoising_end": None}, parts=_NETS),
    "StableDiffusionControlNetImg2ImgPipeline": Traits(arguments=_SD | _CONTROLLED_START, parts=_NETS),
    "StableDiffusionControlNetInpaintPipeline": Traits(
        arguments=_SD | _CONTROLLED_START | _MASK | {"controlnet_conditioning_scale": 0.5},
        parts=_NETS,
        usual_config=_SD_INPAINTING,
    ),
    "StableDiffusionXLControlNetImg2ImgPipeline": _xl(_XL | _SCORES | _CONTROLLED_START, parts=_NETS),
    "LatentConsistencyModelImg2ImgPipeline": Traits(
        arguments=_LCM | _START, parts=_CLIP - _CONFIG, sampling="consistency"
    ),
}


def call_arguments(pipeline: str, *, has_refiner: bool = False) -> Mapping[str, Default]:
    """Return the arguments of a pipeline's call with their defaults; a refiner adds aesthetic scores."""
    own = PIPELINES[pipeline].arguments
    return {**own, **_SCORES} if has_refiner else own
