"""Types of fields that several sections share."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Discriminator, Field, Tag

from farm.manifest.section import Section
from farm.manifest.takes import Number, Text, Whole, told_union

MAX_FRAMES = 10_000_000
MAX_PROMPTS = 10_000

Prompt = Annotated[str, Text(10_000)]
"""Empty is allowed: it is what an unconditional picture is made of."""

Prompts = Annotated[tuple[Prompt, ...], Field(strict=False, min_length=1, max_length=MAX_PROMPTS)]

Seed = Annotated[int, Whole(0, 2**63 - 1)]
"""What torch takes as a seed, without its negative numbers."""

Seeds = Annotated[tuple[Seed, ...], Field(strict=False, min_length=1, max_length=MAX_PROMPTS)]

FrameCount = Annotated[int, Whole(1, MAX_FRAMES)]

FrameIndex = Annotated[int, Whole(0, MAX_FRAMES - 1)]

FRAME_KEYS: dict[str, Any] = {"propertyNames": {"pattern": "^[0-9]+$"}}
"""JSON Schema knows keys as texts only."""


def shape(value: object) -> str | None:
    """Tells a union which of its shapes a value has.

    Tags are in angle brackets, so that they are told from keys in the places of pydantic's errors.
    """
    if isinstance(value, dict | Section):
        return "<map>"
    if isinstance(value, list | tuple):
        return "<list>"
    if isinstance(value, str):
        return "<text>"
    return "<number>" if isinstance(value, int | float) and not isinstance(value, bool) else None


_KEYFRAMED = "a number, or a map of frame to number"

Keyframed = Annotated[
    Annotated[float, Number(0), Tag("<number>")]
    | Annotated[
        dict[FrameIndex, Annotated[float, Number(0)]],
        Field(min_length=1, json_schema_extra=FRAME_KEYS),
        Tag("<map>"),
    ],
    Discriminator(shape, **told_union(_KEYFRAMED)),
]
"""A number from 0 upwards, or keyframes between which it is interpolated linearly."""

_Scale = Annotated[float, Number(-1000, 1000)]

ScaleNumber = Annotated[_Scale, Tag("<number>")]
ScaleMap = Annotated[
    dict[FrameIndex, _Scale], Field(min_length=1, json_schema_extra=FRAME_KEYS), Tag("<map>")
]
KeyframedScale = Annotated[ScaleNumber | ScaleMap, Discriminator(shape, **told_union(_KEYFRAMED))]
"""Any number of a sensible size, or keyframes between which it is interpolated linearly."""

KeyframedShare = Annotated[
    Annotated[float, Number(0, 1), Tag("<number>")]
    | Annotated[
        dict[FrameIndex, Annotated[float, Number(0, 1)]],
        Field(min_length=1, json_schema_extra=FRAME_KEYS),
        Tag("<map>"),
    ],
    Discriminator(shape, **told_union(_KEYFRAMED)),
]
"""A number from 0 to 1, or keyframes between which it is interpolated linearly."""
