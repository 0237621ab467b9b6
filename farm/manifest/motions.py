"""Animations that move: interpolate, grid, walk, circle."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Discriminator, Field, Tag

from farm.manifest.fields import FRAME_KEYS, MAX_FRAMES, MAX_PROMPTS, FrameCount, FrameIndex, Prompt, shape
from farm.manifest.noise import CircleNoise, FixedNoise, GridNoise, InterpolateNoise
from farm.manifest.section import Section
from farm.manifest.takes import Number, Whole, told_union

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
    Discriminator(shape, **told_union("a list of prompts, or a map of frame to prompt")),
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
            tuple[Annotated[float, Number(0, 1)], ...],
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

    rows: Annotated[int, Whole(2, 100)]
    """Frames from top to bottom."""

    columns: Annotated[int, Whole(2, 100)]
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

    step_size: Annotated[float, Number(-1000, 1000)] = 0.005
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
