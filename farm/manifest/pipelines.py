"""The diffusers pipelines that the farm supports and what each takes, known without loading diffusers.

The table was made from the signature of each `__call__` in diffusers 0.42.1; a test compares it with the installed
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
    """What a pipeline takes, and what it is made of; what is not said is as with most."""

    arguments: Mapping[str, Default]
    """Those of its call with their own defaults, None where it has none to say."""
    parts: frozenset[str] = frozenset()
    """The fields of `model` that it can be given beside its weights."""
    denoiser: str = UNET
    """The class of the UNet or transformer."""
    components: tuple[str, ...] = ("vae", "text_encoder", "tokenizer")
    """What else it draws nothing without, by the names of its arguments."""
    sampling: Literal["diffusion", "flow", "consistency"] = "diffusion"
    flow_schedulers: tuple[str, ...] = (_EULER,)
    """Those that it takes; of one that samples flows."""
    own_scheduler: str = ""
    """That of its checkpoints, where another one that gets its settings would trip over them, or needs them."""
    scales_latents: bool = True
    """Whether it scales latents as its scheduler asks for."""
    guided_above: int = 1
    """The guidance_scale above which a negative prompt counts."""
    step: int = 8
    """What its height and width are multiples of, in pixels."""
    longest: int | None = None
    """The largest max_sequence_length that it takes."""
    pads_together: bool = False
    """Whether the prompts of a call are padded to the longest of them, and not to a fixed length."""
    usual_config: str = SD
    """Of which model single files for it mostly are."""

    @property
    def net(self) -> Literal["unet", "transformer"]:
        """What denoises, by the name of its argument."""
        return "unet" if self.denoiser == UNET else "transformer"

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

    @property
    def starts_from_picture(self) -> bool:
        """Whether it goes on from a picture that was made noisy."""
        return "strength" in self.arguments

    @property
    def paints_in(self) -> bool:
        """Whether it fills in what a mask leaves."""
        return "mask_image" in self.arguments

    @property
    def sees_depth(self) -> bool:
        """Whether its UNet gets a depth map."""
        return "depth_map" in self.arguments

    @property
    def tells_sizes(self) -> bool:
        """Whether its UNet is told a picture's sizes, as Stable Diffusion XL's."""
        return "original_size" in self.arguments

    @property
    def tells_guidance(self) -> bool:
        """Whether its UNet is told the guidance scale."""
        return self.sampling == "consistency"

    @property
    def hands_generators_on(self) -> bool:
        """Whether its scheduler gets the frames' generators to draw noise with, as that of consistency models must."""
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
"""Not beside a latent consistency model: of a single file, diffusers forgets what tells it the guidance scale."""
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
"""Of a pipeline whose weights can be a refiner's, too, which has the second text encoder alone."""

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
        step=16,
        longest=512,
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
        step=16,
        longest=512,
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
        step=32,
    ),
    "ZImagePipeline": Traits(
        arguments=_WORDS | _SIZE | _STEPS | {"guidance_scale": 5.0, "max_sequence_length": 512},
        parts=_LORAS,
        denoiser="ZImageTransformer2DModel",
        sampling="flow",
        guided_above=0,
        step=16,
        pads_together=True,
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
        step=16,
        longest=1024,
        pads_together=True,
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
    """Return what a pipeline's call takes, with its own defaults; a refiner takes scores beside it."""
    own = PIPELINES[pipeline].arguments
    return {**own, **_SCORES} if has_refiner else own
