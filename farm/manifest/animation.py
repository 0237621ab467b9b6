"""The `animation` section: six kinds, selected by `kind`."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    TypeAdapter,
    ValidationError,
    WrapValidator,
    with_config,
)
from typing_extensions import TypedDict

from farm.manifest.fields import (
    FRAME_KEYS,
    MAX_FRAMES,
    MAX_PROMPTS,
    FloatRange,
    FrameCount,
    FrameIndex,
    IntRange,
    Prompt,
    Prompts,
    Section,
    Seed,
    Seeds,
    not_allowed,
    shape_tag,
    tagged_union_error,
)
from farm.manifest.model import Scheduler, SchedulerName


class FixedNoise(Section):
    """Noise of a walk or sweep: the same in every frame."""

    mode: Literal["fixed"] = "fixed"
    """fixed: every frame starts from the noise of the manifest's seed."""


class GridNoise(Section):
    """Noise of a grid."""

    mode: Literal["fixed", "per_frame"] = "fixed"
    """fixed: every frame starts from the noise of the manifest's seed; per_frame: each frame from its own noise."""


class InterpolateNoise(Section):
    """Noise of an interpolation."""

    mode: Literal["fixed", "per_frame", "keyframes"] = "fixed"
    """fixed: the seed's noise in every frame; per_frame: different noise; keyframes: interpolated between prompts."""

    seeds: Seeds | None = None
    """For keyframes, one seed per prompt; null derives them from the manifest's seed."""


class CircleNoise(Section):
    """Noise that moves on a circle through two samples x and y."""

    mode: Literal["circle"] = "circle"
    """circle: cos(t) * n(x) + sin(t) * n(y)."""

    seeds: Annotated[tuple[Seed, ...], Field(strict=False, min_length=2, max_length=2)] | None = None
    """The seeds of x and y; null derives them from the manifest's seed."""


class StillsNoise(Section):
    """Noise of stills."""

    mode: Literal["per_frame"] = "per_frame"
    """per_frame: every picture starts from its own noise."""


Mix = Literal["lerp", "slerp"]
Pacing = Literal["uniform", "perceptual", "clip"]
Easing = Literal["linear", "ease_in", "ease_out", "ease_in_out", "smoothstep"]

PromptLine = Annotated[
    Annotated[tuple[Prompt, ...], Field(strict=False, min_length=2, max_length=MAX_PROMPTS), Tag("<list>")]
    | Annotated[
        dict[FrameIndex, Prompt],
        Field(min_length=2, max_length=MAX_PROMPTS, json_schema_extra=FRAME_KEYS),
        Tag("<map>"),
    ],
    Discriminator(shape_tag, **tagged_union_error("a list of prompts, or a map of frame to prompt")),
]


class Interpolate(Section):
    """Interpolate the conditioning through a sequence of prompts."""

    model_config = ConfigDict(
        json_schema_extra={"anyOf": [{"required": ["frames"]}, {"required": ["alphas"]}]}
    )

    kind: Literal["interpolate"]
    """interpolate: through a sequence of prompts."""

    prompts: PromptLine
    """Two or more: a list, evenly spaced, or a map of frame to prompt, held before the first and after the last."""

    alphas: (
        Annotated[
            tuple[Annotated[float, FloatRange(0, 1)], ...],
            Field(strict=False, min_length=1, max_length=MAX_FRAMES),
        ]
        | None
    ) = None
    """Position of each frame, from 0 (first prompt) to 1 (last prompt); null to let `pacing` choose."""

    frames: FrameCount = Field(
        default_factory=lambda given: len(given.get("alphas") or ()), validate_default=True
    )
    """Number of frames; defaults to the number of `alphas`."""

    pacing: Pacing = "uniform"
    """What changes evenly. uniform: alpha; perceptual: appearance; clip: the analysis' CLIP embedding."""

    interpolation: Mix = "lerp"
    """lerp: linear; slerp: spherical."""

    easing: Easing = "linear"
    """Acceleration between consecutive prompts; the prompts stay at their frames."""

    noise: InterpolateNoise = InterpolateNoise()
    """The noise that frames start from."""

    @property
    def frame_count(self) -> int:
        """The number of frames."""
        return self.frames


class Grid(Section):
    """Blend four corner prompts in a grid, row by row; also assembled into one picture."""

    kind: Literal["grid"]
    """grid: between four corner prompts."""

    prompts: Annotated[tuple[Prompt, ...], Field(strict=False, min_length=4, max_length=4)]
    """Exactly four: top left, top right, bottom left, bottom right."""

    rows: Annotated[int, IntRange(2, 100)]
    """Number of rows."""

    columns: Annotated[int, IntRange(2, 100)]
    """Number of columns."""

    frames: FrameCount = Field(
        default_factory=lambda given: given.get("rows", 1) * given.get("columns", 1), validate_default=True
    )
    """Always rows x columns; may be omitted."""

    noise: GridNoise = GridNoise()
    """The noise that frames start from."""

    @property
    def frame_count(self) -> int:
        """The number of frames."""
        return self.frames


class Walk(Section):
    """Walk away from a prompt in a straight line, in equal steps."""

    kind: Literal["walk"]
    """walk: away from a prompt in a straight line."""

    prompt: Prompt
    """The prompt at which the walk begins."""

    frames: FrameCount
    """Number of frames."""

    step_size: Annotated[float, FloatRange(-1000, 1000)] = 0.005
    """Length of the step per frame; its product with the direction is added to the conditioning."""

    direction: Literal["ones", "random"] = "ones"
    """ones: equal in every component; random: seeded, with a root mean square of 1."""

    noise: FixedNoise = FixedNoise()
    """The noise that frames start from."""

    @property
    def frame_count(self) -> int:
        """The number of frames."""
        return self.frames


class Circle(Section):
    """Keep one prompt while the noise moves on a circle, for a seamless loop."""

    kind: Literal["circle"]
    """circle: one prompt, with noise moving on a circle."""

    prompt: Prompt
    """The prompt of every frame."""

    frames: FrameCount
    """Number of frames."""

    noise: CircleNoise = CircleNoise()
    """The two noise samples that define the circle."""

    @property
    def frame_count(self) -> int:
        """The number of frames."""
        return self.frames


MAX_VALUES = 1000


_NAME = TypeAdapter[str](SchedulerName)


def _by_name(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return {"class": _NAME.validate_python(value)}
    except ValidationError as error:  # reported at the name, since the file has no `class` key
        raise not_allowed(**error.errors()[0]["ctx"]) from None


NamedScheduler = Annotated[
    Scheduler, BeforeValidator(_by_name, json_schema_input_type=SchedulerName | Scheduler)
]
"""A scheduler, or only its name."""

_Values = Field(strict=False, min_length=1, max_length=MAX_VALUES)


@with_config(ConfigDict(strict=True, extra="forbid"))
class Axes(TypedDict, total=False):
    """Call arguments to sweep, each with a list of values; the first written varies slowest."""

    num_inference_steps: Annotated[tuple[Annotated[int, IntRange(1, 1000)], ...], _Values]
    """Denoising steps."""

    guidance_scale: Annotated[tuple[Annotated[float, FloatRange(0)], ...], _Values]
    """How closely the picture follows the prompt."""

    true_cfg_scale: Annotated[tuple[Annotated[float, FloatRange(0)], ...], _Values]
    """Guidance away from the negative prompt in Flux and Qwen-Image."""

    strength: Annotated[tuple[Annotated[float, FloatRange(0, 1)], ...], _Values]
    """How much of the image is replaced, 1 for all of it."""

    eta: Annotated[tuple[Annotated[float, FloatRange(0, 1)], ...], _Values]
    """DDIM's share of new noise in each step."""

    guidance_rescale: Annotated[tuple[Annotated[float, FloatRange(0, 1)], ...], _Values]
    """How much of guidance's overexposure is corrected."""

    scheduler: Annotated[tuple[NamedScheduler, ...], _Values]
    """Schedulers: names, or maps of class and config."""


def _as_written(data: Any, check: Callable[[Any], Axes]) -> Axes:
    checked = check(data)
    if not 1 <= len(checked) <= 3:
        raise not_allowed("1 to 3 call arguments, each with a list of values")
    return {axis: checked[axis] for axis in data}  # type: ignore[return-value, literal-required]


Over = Annotated[
    Axes, WrapValidator(_as_written), Field(json_schema_extra={"minProperties": 1, "maxProperties": 3})
]
"""Axes in the order of the file; pydantic alone would return them in the order of the class."""


class Stills(Section):
    """Render separate pictures of each prompt."""

    kind: Literal["stills"]
    """stills: separate pictures of each prompt."""

    prompts: Prompts
    """One or more prompts."""

    seeds: Seeds | None = None
    """Seeds, for one picture of every prompt each; null derives a seed for each picture."""

    num_images_per_prompt: Annotated[int, IntRange(1, MAX_PROMPTS)] = Field(
        default_factory=lambda given: len(given.get("seeds") or (1,)), validate_default=True
    )
    """Number of pictures of every prompt; defaults to the number of `seeds`, or 1."""

    noise: StillsNoise = StillsNoise()
    """The noise that frames start from."""

    @property
    def frame_count(self) -> int:
        """The number of pictures."""
        return len(self.prompts) * self.num_images_per_prompt


class Sweep(Section):
    """Render one prompt with every combination of the listed settings; also assembled into one labelled picture."""

    kind: Literal["sweep"]
    """sweep: one prompt, many settings."""

    prompt: Prompt
    """The prompt of every frame."""

    over: Over
    """One to three call arguments, each with a list of values; the first varies slowest."""

    noise: FixedNoise = FixedNoise()
    """The noise that frames start from."""

    @property
    def frame_count(self) -> int:
        """The number of combinations."""
        return math.prod(len(values) for values in self.over.values())  # type: ignore[arg-type, misc]


KINDS: dict[str, type[Section]] = {
    "interpolate": Interpolate,
    "grid": Grid,
    "walk": Walk,
    "circle": Circle,
    "stills": Stills,
    "sweep": Sweep,
}


def _kind(value: Any) -> str | None:
    kind = value.get("kind") if isinstance(value, dict) else getattr(value, "kind", None)
    return f"<{kind}>" if isinstance(kind, str) and kind in KINDS else None


Animation = Annotated[
    Annotated[Interpolate, Tag("<interpolate>")]
    | Annotated[Grid, Tag("<grid>")]
    | Annotated[Walk, Tag("<walk>")]
    | Annotated[Circle, Tag("<circle>")]
    | Annotated[Stills, Tag("<stills>")]
    | Annotated[Sweep, Tag("<sweep>")],
    Discriminator(_kind),
]
