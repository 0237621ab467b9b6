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

PER_NET = ("controlnet_conditioning_scale", "control_guidance_start", "control_guidance_end")
"""Arguments of which every ControlNet has its own."""


Pixels = Annotated[int, IntRange(8, 8192, step=8)]
Steps = Annotated[int, IntRange(1, 1000)]
Pair = Annotated[
    tuple[Annotated[int, IntRange(0, 65536)], ...], Field(strict=False, min_length=2, max_length=2)
]
Score = Annotated[float, FloatRange(0, 10)]


class Render(Section):
    """Arguments of the pipeline call, by diffusers' names; null is the pipeline's own default."""

    num_inference_steps: Steps | None = None
    """Denoising steps."""

    guidance_scale: Keyframed | None = None
    """How closely the picture follows the prompt: a number, or a map of frame to number."""

    true_cfg_scale: Keyframed | None = None
    """Guidance away from the negative prompt in Flux and Qwen-Image: a number, or a map of frame to number."""

    negative_prompt: Prompt | None = None
    """What guidance leads away from; null gives the pipeline none."""

    prompt_syntax: Literal["plain", "compel"] = "plain"
    """plain: words as they are; compel: (words)++, (words)1.5 and blends, as the compel library reads them."""

    image: Pictures | None = None
    """What img2img, inpainting and depth2img start from, or what ControlNets follow where they start from noise."""

    mask_image: OnePicture | None = None
    """White where inpainting paints anew, black where the picture stays."""

    control_image: Pictures | None = None
    """What ControlNets follow beside an image to start from: one, or a list with one per ControlNet."""

    depth_map: OnePicture | None = None
    """The depth that depth2img keeps to; null has it estimated from the image."""

    ip_adapter_image: ImagePrompts | None = None
    """What IP-Adapters see: a picture or a map of frame to picture; a list has an entry per adapter."""

    expand: Expand | None = None
    """Outpainting: a larger canvas is made around the image, and with it the mask."""

    strength: KeyframedShare | None = None
    """How far the image is left behind, 1 for wholly: a number, or a map of frame to number."""

    padding_mask_crop: Annotated[int, IntRange(0, 8192)] | None = None
    """Inpaint a crop around the mask with this margin in pixels; null for the whole picture."""

    controlnet_conditioning_scale: ControlScales | None = None
    """How strongly ControlNets act: a number, a map of frame to number, or a list with one of them per net."""

    control_guidance_start: ControlShares | None = None
    """The share of the steps from which ControlNets act on: a number, or a list with one per net."""

    control_guidance_end: ControlShares | None = None
    """The share of the steps up to which ControlNets act: a number, or a list with one per net."""

    guess_mode: bool | None = None
    """ControlNets find out what their pictures show, even without a prompt."""

    height: Pixels | None = None
    """Pixels; null is the checkpoint's own size, or the picture's."""

    width: Pixels | None = None
    """Pixels; null is the checkpoint's own size, or the picture's."""

    batch_size: Annotated[int, IntRange(1, 256)] = 1
    """Frames per model call. Part of the recipe: another one gives other last bits."""

    eta: KeyframedShare | None = None
    """DDIM's share of fresh noise in each step: a number, or a map of frame to number."""

    guidance_rescale: KeyframedShare | None = None
    """How far over-exposure by guidance is undone: a number, or a map of frame to number."""

    clip_skip: Annotated[int, IntRange(1, 12)] | None = None
    """How many of CLIP's last layers are left out; null for none."""

    max_sequence_length: Annotated[int, IntRange(1, 4096)] | None = None
    """How many tokens of the prompt are read."""

    original_inference_steps: Steps | None = None
    """Steps of the schedule from which a latent consistency model takes its few."""

    denoising_end: Annotated[float, FloatRange(0.001, 0.999)] | None = None
    """The share of the steps after which the refiner goes on."""

    original_size: Pair | None = None
    """[height, width] that Stable Diffusion XL takes the picture to have had before it was scaled."""

    target_size: Pair | None = None
    """[height, width] that Stable Diffusion XL takes the picture to be made for."""

    crops_coords_top_left: Pair | None = None
    """[top, left] that Stable Diffusion XL takes to have been cut off."""

    negative_original_size: Pair | None = None
    """original_size of what guidance leads away from."""

    negative_target_size: Pair | None = None
    """target_size of what guidance leads away from."""

    negative_crops_coords_top_left: Pair | None = None
    """crops_coords_top_left of what guidance leads away from."""

    aesthetic_score: Score | None = None
    """How beautiful a refiner or XL img2img takes the picture to be, up to 10."""

    negative_aesthetic_score: Score | None = None
    """aesthetic_score of what guidance leads away from."""

    use_resolution_binning: bool | None = None
    """Draw at the nearest size that PixArt or Sana was trained on, then scale to the one asked for."""

    determinism: Literal["strict", "fast"] = "strict"
    """strict: one kind of GPU gives a recipe the same bits always; fast: what is fastest. A CPU is always strict."""


KEYFRAMED = (
    *("guidance_scale", "true_cfg_scale", "eta", "guidance_rescale", "strength"),
    "controlnet_conditioning_scale",
)
"""Arguments that take keyframes; of the last also each in a list."""

PICTURES = ("image", "mask_image", "control_image", "depth_map")
"""Arguments that are pictures."""
