"""Building blocks of a manifest's sections: their base class, value constraints, and shared field types.

A constraint such as `Annotated[int, IntRange(1, 1000)]` is both the rule and the message for breaking it. Every
violation becomes one pydantic error of type `NOT_ALLOWED`, whose context contains the `allowed` values in words and,
for hints, the `choices` or the expected `kind` of value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Discriminator, Field, GetCoreSchemaHandler, Tag
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

NOT_ALLOWED = "not_allowed"


class Section(BaseModel):
    """A map in the manifest. Unknown keys are refused, and values are never converted between types.

    Defaults are validated too, so that omitting a default and writing it out give the same recipe.
    """

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        frozen=True,
        validate_default=True,
        hide_input_in_errors=True,
    )


def not_allowed(allowed: str, **context: Any) -> PydanticCustomError:
    """Return the error for a value that breaks a rule; `allowed` describes the allowed values."""
    return PydanticCustomError(NOT_ALLOWED, "{allowed}", {"allowed": allowed, **context})


def _with_error(schema: CoreSchema, allowed: str, **context: Any) -> CoreSchema:
    return core_schema.custom_error_schema(
        schema,
        custom_error_type=NOT_ALLOWED,
        custom_error_message="{allowed}",
        custom_error_context={"allowed": allowed, **context},
    )


class _HashableContext(dict[str, Any]):
    """An error context inside a `Discriminator`, which `typing` hashes when unions are nested."""

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(tuple(self.items()))


def tagged_union_error(allowed: str) -> Mapping[str, Any]:
    """Return the keyword arguments of a `Discriminator` that set the error for a value of an unknown shape."""
    return {
        "custom_error_type": NOT_ALLOWED,
        "custom_error_message": "{allowed}",
        "custom_error_context": _HashableContext(allowed=allowed),
    }


@dataclass(frozen=True, slots=True)
class IntRange:
    """Allows whole numbers from `least` to `most` that are multiples of `step`; never booleans."""

    least: int
    most: int
    step: int = 1

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        subject = "a whole number" if self.step == 1 else f"a multiple of {self.step}"
        multiple_of = self.step if self.step > 1 else None
        schema = core_schema.int_schema(strict=True, ge=self.least, le=self.most, multiple_of=multiple_of)
        return _with_error(schema, f"{subject} from {self.least} to {self.most}", kind="number")


@dataclass(frozen=True, slots=True)
class FloatRange:
    """Allows finite numbers from `least` to `most`, including whole numbers."""

    least: float | None = None
    most: float | None = None

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        schema = core_schema.float_schema(strict=True, allow_inf_nan=False, ge=self.least, le=self.most)
        return _with_error(schema, self._allowed(), kind="number")

    def _allowed(self) -> str:
        if self.least is None:
            return "a finite number"
        if self.most is None:
            return f"a number of at least {self.least:g}"
        return f"a number from {self.least:g} to {self.most:g}"


@dataclass(frozen=True, slots=True)
class Text:
    """Allows text of `least` to `most` characters that matches `pattern`; `words` and `hint` are for the message."""

    most: int
    least: int = 0
    pattern: str | None = None
    words: str = ""
    hint: str = ""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        schema = core_schema.str_schema(
            strict=True, min_length=self.least or None, max_length=self.most, pattern=self.pattern
        )
        words = self.words or f"text of at most {self.most} characters"
        return _with_error(schema, words, kind="text", hint=self.hint)


@dataclass(frozen=True, slots=True)
class OneOf:
    """Allows one of many names, too many to list in a message, which `words` describe.

    `refused` are names that users may expect, each with the reason for refusing it, which the message includes.
    """

    choices: tuple[str, ...]
    words: str
    refused: Mapping[str, str] = field(default_factory=dict, hash=False)

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        choices = list(self.choices)
        schema = _with_error(core_schema.literal_schema(choices), self.words, choices=choices)
        return core_schema.no_info_before_validator_function(self._refuse, schema)

    def _refuse(self, value: object) -> object:
        if isinstance(value, str) and value in self.refused:
            raise not_allowed(self.words, hint=self.refused[value])
        return value


@dataclass(frozen=True, slots=True)
class Described:
    """Allows the values of the annotated type, described by `words` in the message."""

    words: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return _with_error(handler(source), self.words)


def expand_switch(value: object) -> object:
    """Return an empty map for true, which fills in all defaults, None for false, and other values unchanged."""
    if isinstance(value, bool):
        return {} if value else None
    return value


def shape_tag(value: object) -> str | None:
    """Return the tag of a value's shape, by which a union of shapes selects its member; None for other shapes.

    Tags are in angle brackets, which distinguish them from keys in the locations of pydantic's errors.
    """
    if isinstance(value, dict | Section):
        return "<map>"
    if isinstance(value, list | tuple):
        return "<list>"
    if isinstance(value, str):
        return "<text>"
    return "<number>" if isinstance(value, int | float) and not isinstance(value, bool) else None


MAX_FRAMES = 10_000_000
MAX_PROMPTS = 10_000

Prompt = Annotated[str, Text(10_000)]
"""May be empty, for an unconditional picture."""

Prompts = Annotated[tuple[Prompt, ...], Field(strict=False, min_length=1, max_length=MAX_PROMPTS)]

Seed = Annotated[int, IntRange(0, 2**63 - 1)]
"""torch's range of seeds, without negative numbers."""

Seeds = Annotated[tuple[Seed, ...], Field(strict=False, min_length=1, max_length=MAX_PROMPTS)]

FrameCount = Annotated[int, IntRange(1, MAX_FRAMES)]

FrameIndex = Annotated[int, IntRange(0, MAX_FRAMES - 1)]

FRAME_KEYS: dict[str, Any] = {"propertyNames": {"pattern": "^[0-9]+$"}}
"""For JSON Schema, in which keys are always strings."""

_KEYFRAMED = "a number, or a map of frame to number"

Keyframed = Annotated[
    Annotated[float, FloatRange(0), Tag("<number>")]
    | Annotated[
        dict[FrameIndex, Annotated[float, FloatRange(0)]],
        Field(min_length=1, json_schema_extra=FRAME_KEYS),
        Tag("<map>"),
    ],
    Discriminator(shape_tag, **tagged_union_error(_KEYFRAMED)),
]
"""A number of at least 0, or keyframes, between which it is interpolated linearly."""

_Scale = Annotated[float, FloatRange(-1000, 1000)]

ScaleNumber = Annotated[_Scale, Tag("<number>")]
ScaleMap = Annotated[
    dict[FrameIndex, _Scale], Field(min_length=1, json_schema_extra=FRAME_KEYS), Tag("<map>")
]
KeyframedScale = Annotated[ScaleNumber | ScaleMap, Discriminator(shape_tag, **tagged_union_error(_KEYFRAMED))]
"""A number from -1000 to 1000, or keyframes, between which it is interpolated linearly."""

KeyframedShare = Annotated[
    Annotated[float, FloatRange(0, 1), Tag("<number>")]
    | Annotated[
        dict[FrameIndex, Annotated[float, FloatRange(0, 1)]],
        Field(min_length=1, json_schema_extra=FRAME_KEYS),
        Tag("<map>"),
    ],
    Discriminator(shape_tag, **tagged_union_error(_KEYFRAMED)),
]
"""A number from 0 to 1, or keyframes, between which it is interpolated linearly."""
