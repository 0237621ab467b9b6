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
from pydantic_core import PydanticCustomError
from typing_extensions import TypedDict

from farm.manifest.fields import (
    FRAME_KEYS,
    MAX_FRAMES,
    MAX_PROMPTS,
    NOT_ALLOWED,
    FloatRange,
    FrameCount,
    FrameIndex,
    IntRange,
    Prompt,
    Prompts,
    Section,
    Seed,
    Seeds,
    shape_tag,
    tagged_union_error,
)
from farm.manifest.model import Scheduler, SchedulerName


class FixedNoise(Section):
    """The same noise in every frame."""

    mode: Literal["fixed"] = "fixed"
    """fixed: every frame starts from the noise of the manifest's seed."""


class GridNoise(Section):
    """Noise of a grid."""

    mode: Literal["fixed", "per_frame"] = "fixed"
    """fixed: every frame starts from the noise of the manifest's seed; per_frame: each from its own."""


class InterpolateNoise(Section):
    """Noise of an interpolation."""

    mode: Literal["fixed", "per_frame", "keyframes"] = "fixed"
    """fixed: the seed's noise in every frame; per_frame: each its own; keyframes: from prompt to prompt."""

    seeds: Seeds | None = None
    """For keyframes, one seed per prompt; null derives them from the manifest's seed."""


class CircleNoise(Section):
    """Noise that goes round in a circle through two draws of it."""

    mode: Literal["circle"] = "circle"
    """circle: cos(t) * n(x) + sin(t) * n(y)."""

    seeds: Annotated[tuple[Seed, ...], Field(strict=False, min_length=2, max_length=2)] | None = None
    """The seeds of x and y; null derives them from the manifest's seed."""


class StillsNoise(Section):
    """Noise of single pictures."""

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
    """From prompt to prompt: the conditioning moves piecewise through all of them."""

    model_config = ConfigDict(
        json_schema_extra={"anyOf": [{"required": ["frames"]}, {"required": ["alphas"]}]}
    )

    kind: Literal["interpolate"]
    """interpolate: from prompt to prompt."""

    prompts: PromptLine
    """At least two: a list, evenly spaced, or a map of frame to prompt; the first and the last stay outside theirs."""

    alphas: (
        Annotated[
            tuple[Annotated[float, FloatRange(0, 1)], ...],
            Field(strict=False, min_length=1, max_length=MAX_FRAMES),
        ]
        | None
    ) = None
    """One per frame: its place on the way, 0 the first prompt and 1 the last. Null leaves them to `pacing`."""

    frames: FrameCount = Field(
        default_factory=lambda given: len(given.get("alphas") or ()), validate_default=True
    )
    """How many frames; the number of alphas where they are listed."""

    pacing: Pacing = "uniform"
    """What steps are even in: uniform: alphas; perceptual: what is seen; clip: what the analysis' CLIP model sees."""

    interpolation: Mix = "lerp"
    """lerp: along a straight line; slerp: along an arc."""

    easing: Easing = "linear"
    """How the way between each two prompts speeds up and slows down; prompts stay at their frames."""

    noise: InterpolateNoise = InterpolateNoise()
    """Where the frames' noise comes from."""

    @property
    def frame_count(self) -> int:
        """How many frames the animation has."""
        return self.frames


class Grid(Section):
    """Between four corner prompts, row by row; also assembled as one picture."""

    kind: Literal["grid"]
    """grid: between four corner prompts."""

    prompts: Annotated[tuple[Prompt, ...], Field(strict=False, min_length=4, max_length=4)]
    """Exactly four: top left, top right, bottom left, bottom right."""

    rows: Annotated[int, IntRange(2, 100)]
    """Frames from top to bottom."""

    columns: Annotated[int, IntRange(2, 100)]
    """Frames from left to right."""

    frames: FrameCount = Field(
        default_factory=lambda given: given.get("rows", 1) * given.get("columns", 1), validate_default=True
    )
    """Always rows x columns; need not be said."""

    noise: GridNoise = GridNoise()
    """Where the frames' noise comes from."""

    @property
    def frame_count(self) -> int:
        """How many frames the animation has."""
        return self.frames


class Walk(Section):
    """Away from a prompt in a straight line, in equal steps."""

    kind: Literal["walk"]
    """walk: away from a prompt in a straight line."""

    prompt: Prompt
    """Where the walk begins."""

    frames: FrameCount
    """How many frames."""

    step_size: Annotated[float, FloatRange(-1000, 1000)] = 0.005
    """What is added to the conditioning per frame, times the direction."""

    direction: Literal["ones", "random"] = "ones"
    """ones: the same in every component; random: a seeded direction of unit root mean square."""

    noise: FixedNoise = FixedNoise()
    """Where the frames' noise comes from."""

    @property
    def frame_count(self) -> int:
        """How many frames the animation has."""
        return self.frames


class Circle(Section):
    """One prompt, while the noise goes round in a circle: a loop without a seam."""

    kind: Literal["circle"]
    """circle: one prompt, the noise going round."""

    prompt: Prompt
    """What every frame shows."""

    frames: FrameCount
    """How many frames."""

    noise: CircleNoise = CircleNoise()
    """The two draws of noise that the circle goes through."""

    @property
    def frame_count(self) -> int:
        """How many frames the animation has."""
        return self.frames


MAX_VALUES = 1000


_NAME = TypeAdapter[str](SchedulerName)


def _by_name(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return {"class": _NAME.validate_python(value)}
    except ValidationError as error:  # told where the name stands: there is no `class` in the file
        raise PydanticCustomError(NOT_ALLOWED, "{allowed}", error.errors()[0]["ctx"]) from None


NamedScheduler = Annotated[
    Scheduler, BeforeValidator(_by_name, json_schema_input_type=SchedulerName | Scheduler)
]
"""A scheduler, or just its name."""

_Values = Field(strict=False, min_length=1, max_length=MAX_VALUES)


@with_config(ConfigDict(strict=True, extra="forbid", use_attribute_docstrings=True))
class Axes(TypedDict, total=False):
    """Call arguments to try, each with its values; the first written varies slowest."""

    num_inference_steps: Annotated[tuple[Annotated[int, IntRange(1, 1000)], ...], _Values]
    """Denoising steps."""

    guidance_scale: Annotated[tuple[Annotated[float, FloatRange(0)], ...], _Values]
    """How closely the picture follows the prompt."""

    true_cfg_scale: Annotated[tuple[Annotated[float, FloatRange(0)], ...], _Values]
    """Guidance away from the negative prompt in Flux and Qwen-Image."""

    strength: Annotated[tuple[Annotated[float, FloatRange(0, 1)], ...], _Values]
    """How far the image is left behind, 1 for wholly."""

    eta: Annotated[tuple[Annotated[float, FloatRange(0, 1)], ...], _Values]
    """DDIM's share of fresh noise in each step."""

    guidance_rescale: Annotated[tuple[Annotated[float, FloatRange(0, 1)], ...], _Values]
    """How far over-exposure by guidance is undone."""

    scheduler: Annotated[tuple[NamedScheduler, ...], _Values]
    """Samplers: names, or maps of class and config."""


def _as_written(data: Any, check: Callable[[Any], Axes]) -> Axes:
    checked = check(data)
    if not 1 <= len(checked) <= 3:
        allowed = "1 to 3 call arguments, each with a list of values"
        raise PydanticCustomError(NOT_ALLOWED, "{allowed}", {"allowed": allowed})
    return {axis: checked[axis] for axis in data}  # type: ignore[return-value, literal-required]


Over = Annotated[
    Axes, WrapValidator(_as_written), Field(json_schema_extra={"minProperties": 1, "maxProperties": 3})
]
"""Axes in the order of the file: pydantic alone would give them in the order of the class."""


class Stills(Section):
    """Single pictures of each prompt."""

    kind: Literal["stills"]
    """stills: single pictures of each prompt."""

    prompts: Prompts
    """One or more."""

    seeds: Seeds | None = None
    """One picture of every prompt per seed; null derives a seed for each picture."""

    num_images_per_prompt: Annotated[int, IntRange(1, MAX_PROMPTS)] = Field(
        default_factory=lambda given: len(given.get("seeds") or (1,)), validate_default=True
    )
    """How many pictures of every prompt; 1 if not said, or the number of seeds where they are listed."""

    noise: StillsNoise = StillsNoise()
    """Where the frames' noise comes from."""

    @property
    def frame_count(self) -> int:
        """How many pictures there are."""
        return len(self.prompts) * self.num_images_per_prompt


class Sweep(Section):
    """One prompt over the product of listed call arguments; also assembled as one labelled picture."""

    kind: Literal["sweep"]
    """sweep: one prompt, many settings."""

    prompt: Prompt
    """What every frame shows."""

    over: Over
    """One to three call arguments, each with its values; the first varies slowest."""

    noise: FixedNoise = FixedNoise()
    """Where the frames' noise comes from."""

    @property
    def frame_count(self) -> int:
        """How many combinations there are."""
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
