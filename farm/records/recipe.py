"""One frame: what determines its pixels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from farm.canonical import NOT_IDENTITY
from farm.records.model import SchedulerSpec

Scalar = str | int | float | bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """A step away from the mixed conditioning: `distance * direction` is added to it.

    `ones` is the vector of ones; `random` a Gaussian direction of `seed`, scaled to unit RMS.
    """

    direction: Literal["ones", "random"]
    distance: float
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Canny:
    """Edges of a picture (Canny 1986) in white on black, as OpenCV finds them between two thresholds, 0 to 255."""

    low_threshold: float
    high_threshold: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Expand:
    """A picture on a larger canvas: how many pixels are added at each side.

    `part` is the canvas, on which the added sides continue the picture's edge, or the mask, white where pixels were
    added and a little beyond, so that the seam is painted, too.
    """

    left: int
    right: int
    top: int
    bottom: int
    part: Literal["canvas", "mask"]


@dataclass(frozen=True, slots=True, kw_only=True)
class InputPicture:
    """A picture that a frame is made from, the first of the file or its `index`-th where the file is a video.

    `sha256` is of the file's bytes: it and not `location` says which picture it is. `prepare` makes another of it.
    """

    location: str = field(metadata=NOT_IDENTITY)
    sha256: str
    index: int = 0
    prepare: Canny | Expand | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImagePrompt:
    """A mixture of image prompts for one IP-Adapter, each of one or several pictures that it sees together.

    `weights` are positive and sum to 1.
    """

    prompts: tuple[tuple[InputPicture, ...], ...]
    weights: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditioning:
    """A mixture of prompts. `weights` are positive and sum to 1; a single prompt is used as encoded.

    `negative_prompt` None is what the pipeline takes when it is given none. `syntax` says whether prompts are plain
    words or weighted ones in the language of compel. `beside` holds the prompts of all frames of the chunk where they
    are padded to the longest, which may change a frame's last bits; else it is empty.
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

    `n(s)` is standard normal noise of `torch.Generator("cpu").manual_seed(s)` in float32: whatever the pipeline draws
    before it first calls its denoiser. A stochastic scheduler goes on with the generator of `stream` as those draws
    left it, as in diffusers.
    """

    mode: Literal["fixed", "per_frame", "keyframes", "circle", "seeds"]
    mix: Literal["sum", "slerp"]
    seeds: tuple[int, ...]
    weights: tuple[float, ...]
    stream: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """All of a frame's pixels that is not the model: `arguments` are the pipeline call's, by diffusers' names.

    So are `pictures`; where a pipeline takes a list of them, or of numbers, its parts are `image.0`, `image.1` and so
    on.
    """

    conditioning: Conditioning
    noise: Noise
    scheduler: SchedulerSpec
    arguments: Mapping[str, Scalar]
    pictures: Mapping[str, InputPicture] = field(default_factory=dict)
    image_prompts: tuple[ImagePrompt, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One image to render. `alpha` is its place on the motion, in [0, 1]; `digest` its recipe digest (hex)."""

    index: int
    alpha: float
    recipe: Recipe
    digest: str
