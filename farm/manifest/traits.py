"""What the farm knows of a pipeline without loading diffusers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from farm.manifest.schedulers import FLOW

Default = str | int | float | bool | tuple[int, int] | None

UNET = "UNet2DConditionModel"
SD = "stable-diffusion-v1-5/stable-diffusion-v1-5"
_EULER, _, _LCM = FLOW


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
        return self.sampling != "flow" or _LCM in self.flow_schedulers
