"""Types of fields that several sections share, and the ranges and texts they allow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Discriminator, Field, GetCoreSchemaHandler, Tag
from pydantic_core import CoreSchema, PydanticCustomError, core_schema


class Section(BaseModel):
    """A map of the manifest: unknown keys are refused, and a text is never read as a number.

    Defaults are validated, so that a manifest with them left out and one that says them are one recipe.
    """

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        frozen=True,
        validate_default=True,
        use_attribute_docstrings=True,
        hide_input_in_errors=True,
    )


NOT_ALLOWED = "takes"


def _told(schema: CoreSchema, allowed: str, **context: Any) -> CoreSchema:
    return core_schema.custom_error_schema(
        schema,
        custom_error_type=NOT_ALLOWED,
        custom_error_message="{allowed}",
        custom_error_context={"allowed": allowed, **context},
    )


class _Context(dict[str, Any]):
    """Typing hashes what stands in a union, and with it the discriminators of unions in there."""

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(tuple(self.items()))


def tagged_union_error(allowed: str) -> Mapping[str, Any]:
    """Keywords for a `Discriminator`: how a value of none of its shapes is told."""
    context = _Context(allowed=allowed)
    return {
        "custom_error_type": NOT_ALLOWED,
        "custom_error_message": "{allowed}",
        "custom_error_context": context,
    }


@dataclass(frozen=True, slots=True)
class IntRange:
    """A whole number from `least` to `most`, divisible by `step`; never a boolean."""

    least: int
    most: int
    step: int = 1

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        subject = "a whole number" if self.step == 1 else f"a multiple of {self.step}"
        multiple_of = self.step if self.step > 1 else None
        schema = core_schema.int_schema(strict=True, ge=self.least, le=self.most, multiple_of=multiple_of)
        return _told(schema, f"{subject} from {self.least} to {self.most}", kind="number")


@dataclass(frozen=True, slots=True)
class FloatRange:
    """A finite number from `least` to `most`; whole numbers are numbers too."""

    least: float | None = None
    most: float | None = None

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        schema = core_schema.float_schema(strict=True, allow_inf_nan=False, ge=self.least, le=self.most)
        return _told(schema, self._words(), kind="number")

    def _words(self) -> str:
        if self.least is None:
            return "a finite number"
        if self.most is None:
            return f"a number from {self.least:g} upwards"
        return f"a number from {self.least:g} to {self.most:g}"


@dataclass(frozen=True, slots=True)
class Text:
    """A text of `least` to `most` characters that matches `pattern`, told by `words` and a `hint`."""

    most: int
    least: int = 0
    pattern: str | None = None
    words: str = ""
    hint: str = ""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        schema = core_schema.str_schema(
            strict=True, min_length=self.least or None, max_length=self.most, pattern=self.pattern
        )
        words = self.words or f"a text of at most {self.most} characters"
        return _told(schema, words, kind="text", hint=self.hint)


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of many names, too many to list in a message: `words` describe them.

    Names that one may well expect are `refused`, each with the reason, instead of a near match.
    """

    choices: tuple[str, ...]
    words: str
    refused: Mapping[str, str] = field(default_factory=dict, hash=False)

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        schema = _told(core_schema.literal_schema(list(self.choices)), self.words, choices=list(self.choices))
        return core_schema.no_info_before_validator_function(self._refuse, schema)

    def _refuse(self, value: object) -> object:
        if isinstance(value, str) and value in self.refused:
            context = {"allowed": self.words, "hint": self.refused[value]}
            raise PydanticCustomError(NOT_ALLOWED, "{allowed}", context)
        return value


@dataclass(frozen=True, slots=True)
class Described:
    """Whatever the annotated type takes, said in `words`."""

    words: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return _told(handler(source), self.words)


MAX_FRAMES = 10_000_000
MAX_PROMPTS = 10_000

Prompt = Annotated[str, Text(10_000)]
"""Empty is allowed: it is what an unconditional picture is made of."""

Prompts = Annotated[tuple[Prompt, ...], Field(strict=False, min_length=1, max_length=MAX_PROMPTS)]

Seed = Annotated[int, IntRange(0, 2**63 - 1)]
"""What torch takes as a seed, without its negative numbers."""

Seeds = Annotated[tuple[Seed, ...], Field(strict=False, min_length=1, max_length=MAX_PROMPTS)]

FrameCount = Annotated[int, IntRange(1, MAX_FRAMES)]

FrameIndex = Annotated[int, IntRange(0, MAX_FRAMES - 1)]

FRAME_KEYS: dict[str, Any] = {"propertyNames": {"pattern": "^[0-9]+$"}}
"""JSON Schema knows keys as texts only."""


def shape_tag(value: object) -> str | None:
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
    Annotated[float, FloatRange(0), Tag("<number>")]
    | Annotated[
        dict[FrameIndex, Annotated[float, FloatRange(0)]],
        Field(min_length=1, json_schema_extra=FRAME_KEYS),
        Tag("<map>"),
    ],
    Discriminator(shape_tag, **tagged_union_error(_KEYFRAMED)),
]
"""A number from 0 upwards, or keyframes between which it is interpolated linearly."""

_Scale = Annotated[float, FloatRange(-1000, 1000)]

ScaleNumber = Annotated[_Scale, Tag("<number>")]
ScaleMap = Annotated[
    dict[FrameIndex, _Scale], Field(min_length=1, json_schema_extra=FRAME_KEYS), Tag("<map>")
]
KeyframedScale = Annotated[ScaleNumber | ScaleMap, Discriminator(shape_tag, **tagged_union_error(_KEYFRAMED))]
"""Any number of a sensible size, or keyframes between which it is interpolated linearly."""

KeyframedShare = Annotated[
    Annotated[float, FloatRange(0, 1), Tag("<number>")]
    | Annotated[
        dict[FrameIndex, Annotated[float, FloatRange(0, 1)]],
        Field(min_length=1, json_schema_extra=FRAME_KEYS),
        Tag("<map>"),
    ],
    Discriminator(shape_tag, **tagged_union_error(_KEYFRAMED)),
]
"""A number from 0 to 1, or keyframes between which it is interpolated linearly."""
