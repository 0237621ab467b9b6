"""The `render` section: arguments of the pipeline call, by diffusers' names."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag

from farm.manifest.fields import (
    FloatRange,
    IntRange,
    Keyframed,
    KeyframedScale,
    KeyframedShare,
    Prompt,
    ScaleMap,
    ScaleNumber,
    Section,
    shape_tag,
    tagged_union_error,
)
from farm.manifest.image_fields import Expand, ImagePrompts, OnePicture, Pictures

_Share = Annotated[float, FloatRange(0, 1)]

ControlScales = Annotated[
    ScaleNumber
    | ScaleMap
    | Annotated[tuple[KeyframedScale, ...], Field(strict=False, min_length=1, max_length=10), Tag("<list>")],
    Discriminator(
        shape_tag,
        **tagged_union_error("a number, a map of frame to number, or a list of these, one per ControlNet"),
    ),
]
ControlShares = Annotated[
    Annotated[_Share, Tag("<number>")]
    | Annotated[tuple[_Share, ...], Field(strict=False, min_length=1, max_length=10), Tag("<list>")],
    Discriminator(shape_tag, **tagged_union_error("a number, or a list of numbers, one per ControlNet")),
]

PER_CONTROLNET_ARGUMENTS = ("controlnet_conditioning_scale", "control_guidance_start", "control_guidance_end")
"""Arguments that can have one value per ControlNet."""


Pixels = Annotated[int, IntRange(8, 8192, step=8)]
Steps = Annotated[int, IntRange(1, 1000)]
Pair = Annotated[
    tuple[Annotated[int, IntRange(0, 65536)], ...], Field(strict=False, min_length=2, max_length=2)
]
Score = Annotated[float, FloatRange(0, 10)]


class Render(Section):
    """Arguments of the pipeline call, by diffusers' names; null for the pipeline's own default."""

    num_inference_steps: Steps | None = None
    """Denoising steps."""

    guidance_scale: Keyframed | None = None
    """How closely the picture follows the prompt: a number, or a map of frame to number."""

    true_cfg_scale: Keyframed | None = None
    """Guidance away from the negative prompt in Flux and Qwen-Image: a number, or a map of frame to number."""

    negative_prompt: Prompt | None = None
    """The prompt that guidance steers away from; null for none."""

    prompt_syntax: Literal["plain", "compel"] = "plain"
    """plain: prompts as they are; compel: (words)++, (words)1.5 and blends, as the compel library parses them."""

    image: Pictures | None = None
    """The start image of img2img, inpainting and depth2img, or the control picture of text-to-image ControlNets."""

    mask_image: OnePicture | None = None
    """The inpainting mask: white is repainted, black is kept."""

    control_image: Pictures | None = None
    """The control picture of ControlNets that also take a start image: one, or a list with one per ControlNet."""

    depth_map: OnePicture | None = None
    """The depth map for depth2img; null to estimate it from the image."""

    ip_adapter_image: ImagePrompts | None = None
    """Image prompts for IP-Adapters: a picture or a map of frame to picture; or a list with one entry per adapter."""

    expand: Expand | None = None
    """Outpainting: extend the canvas around the image, and create the mask for it."""

    strength: KeyframedShare | None = None
    """How much of the image is replaced, 1 for all of it: a number, or a map of frame to number."""

    padding_mask_crop: Annotated[int, IntRange(0, 8192)] | None = None
    """Margin in pixels of the crop around the mask that is inpainted; null for the entire picture."""

    controlnet_conditioning_scale: ControlScales | None = None
    """Strength of the ControlNets: a number, a map of frame to number, or a list with one entry per ControlNet."""

    control_guidance_start: ControlShares | None = None
    """Fraction of the steps at which ControlNets start to act: a number, or a list with one per ControlNet."""

    control_guidance_end: ControlShares | None = None
    """Fraction of the steps at which ControlNets stop acting: a number, or a list with one per ControlNet."""

    guess_mode: bool | None = None
    """Let ControlNets recognize the content of their pictures even without a prompt."""

    height: Pixels | None = None
    """Height in pixels; null for the checkpoint's own size, or the picture's."""

    width: Pixels | None = None
    """Width in pixels; null for the checkpoint's own size, or the picture's."""

    batch_size: Annotated[int, IntRange(1, 256)] = 1
    """Frames per model call. Part of the recipe: changing it changes the last bits of the frames."""

    eta: KeyframedShare | None = None
    """DDIM's share of new noise in each step: a number, or a map of frame to number."""

    guidance_rescale: KeyframedShare | None = None
    """How much of guidance's overexposure is corrected: a number, or a map of frame to number."""

    clip_skip: Annotated[int, IntRange(1, 12)] | None = None
    """Number of CLIP's last layers to skip; null for none."""

    max_sequence_length: Annotated[int, IntRange(1, 4096)] | None = None
    """Maximum number of prompt tokens to encode."""

    original_inference_steps: Steps | None = None
    """Length of the schedule from which a latent consistency model selects its few steps."""

    denoising_end: Annotated[float, FloatRange(0.001, 0.999)] | None = None
    """Fraction of the steps after which the refiner takes over."""

    original_size: Pair | None = None
    """[height, width] that Stable Diffusion XL assumes for the picture before scaling."""

    target_size: Pair | None = None
    """[height, width] that Stable Diffusion XL assumes as the picture's target size."""

    crops_coords_top_left: Pair | None = None
    """[top, left] that Stable Diffusion XL assumes was cropped off."""

    negative_original_size: Pair | None = None
    """original_size for the negative prompt."""

    negative_target_size: Pair | None = None
    """target_size for the negative prompt."""

    negative_crops_coords_top_left: Pair | None = None
    """crops_coords_top_left for the negative prompt."""

    aesthetic_score: Score | None = None
    """Aesthetic score, from 0 to 10, that a refiner or XL img2img aims for."""

    negative_aesthetic_score: Score | None = None
    """aesthetic_score for the negative prompt."""

    use_resolution_binning: bool | None = None
    """Render at the nearest size that PixArt or Sana was trained on, then resize to the requested size."""

    determinism: Literal["strict", "fast"] = "strict"
    """strict: a recipe always gives the same bits on one GPU model; fast: fastest kernels. CPUs are always strict."""


KEYFRAMED_ARGUMENTS = (
    *("guidance_scale", "true_cfg_scale", "eta", "guidance_rescale", "strength"),
    "controlnet_conditioning_scale",
)
"""Arguments that accept keyframes; the last also in each entry of a list."""

IMAGE_ARGUMENTS = ("image", "mask_image", "control_image", "depth_map")
"""Arguments that are pictures."""
