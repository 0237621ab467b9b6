"""A frame, and everything that determines its pixels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from farm.canonical import NOT_IDENTITY
from farm.records.model import SchedulerSpec

Scalar = str | int | float | bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """An offset, `distance * direction`, that is added to the mixed conditioning.

    `ones` is the vector of ones; `random` is a Gaussian direction from `seed`, scaled to unit RMS.
    """

    direction: Literal["ones", "random"]
    distance: float
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CannySpec:
    """The edges of a picture (Canny 1986), white on black, detected by OpenCV with two thresholds, 0 to 255."""

    low_threshold: float
    high_threshold: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpandSpec:
    """A picture on a larger canvas, with the number of pixels added on each side.

    `part` is the canvas, on which the added sides repeat the picture's edge, or the mask, which is white where pixels
    were added and slightly beyond, so that the seam is painted too.
    """

    left: int
    right: int
    top: int
    bottom: int
    part: Literal["canvas", "mask"]


@dataclass(frozen=True, slots=True, kw_only=True)
class InputPicture:
    """An input picture of a frame: a file's picture, or number `index` of a video.

    The picture is identified by `sha256`, of the file's bytes, and not by `location`. `prepare` transforms it.
    """

    location: str = field(metadata=NOT_IDENTITY)
    sha256: str
    index: int = 0
    prepare: CannySpec | ExpandSpec | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImagePrompt:
    """A mixture of image prompts for one IP-Adapter, each consisting of one or more pictures used together.

    `weights` are positive and sum to 1.
    """

    prompts: tuple[tuple[InputPicture, ...], ...]
    weights: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditioning:
    """A mixture of prompts. `weights` are positive and sum to 1; a single prompt is used as encoded.

    If `negative_prompt` is None, the pipeline chooses it. `syntax` says whether prompts are plain text or in compel's
    weighted syntax. `beside` lists the prompts of all frames of the chunk if they are padded to the longest one, which
    may change a frame's last bits; otherwise it is empty.
    """

    prompts: tuple[str, ...]
    weights: tuple[float, ...]
    mix: Literal["lerp", "slerp"]
    negative_prompt: str | None
    syntax: Literal["plain", "compel"] = "plain"
    drift: Drift | None = None
    beside: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise:
    """A frame's noise: `sum(w_k * n(seed_k))`, or `slerp(n(seed_0), n(seed_1), weights[1])`.

    `n(s)` is the standard normal noise of `torch.Generator("cpu").manual_seed(s)` in float32 that the pipeline draws
    before it first calls its denoiser. A stochastic scheduler continues with the generator of `stream` after those
    draws, as in diffusers.
    """

    mode: Literal["fixed", "per_frame", "keyframes", "circle", "seeds"]
    mix: Literal["sum", "slerp"]
    seeds: tuple[int, ...]
    weights: tuple[float, ...]
    stream: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Everything except the model that determines a frame's pixels.

    `arguments` and `pictures` are those of the pipeline call, by diffusers' names; the entries of a list are `image.0`,
    `image.1` and so on.
    """

    conditioning: Conditioning
    noise: Noise
    scheduler: SchedulerSpec
    arguments: Mapping[str, Scalar]
    pictures: Mapping[str, InputPicture] = field(default_factory=dict)
    image_prompts: tuple[ImagePrompt, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """A frame to render. `alpha` is its position in the motion, in [0, 1]; `digest` is its recipe digest (hex)."""

    index: int
    alpha: float
    recipe: Recipe
    digest: str
