"""What a field takes, said once: each marker here is a rule and, in words, the message of its breach.

Used as `Annotated[int, Whole(1, 1000)]`. Any breach becomes one pydantic error of type `takes`, whose context
says what is `allowed`, and, where it helps with a hint, the `choices` or the `kind` of value wanted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

TAKES = "takes"


def _told(schema: CoreSchema, allowed: str, **context: Any) -> CoreSchema:
    return core_schema.custom_error_schema(
        schema,
        custom_error_type=TAKES,
        custom_error_message="{allowed}",
        custom_error_context={"allowed": allowed, **context},
    )


class _Context(dict[str, Any]):
    """Typing hashes what stands in a union, and with it the discriminators of unions in there."""

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(tuple(self.items()))


def told_union(allowed: str) -> Mapping[str, Any]:
    """Keywords for a `Discriminator`: how a value of none of its shapes is told."""
    context = _Context(allowed=allowed)
    return {
        "custom_error_type": TAKES,
        "custom_error_message": "{allowed}",
        "custom_error_context": context,
    }


@dataclass(frozen=True, slots=True)
class Whole:
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
class Number:
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
            raise PydanticCustomError(TAKES, "{allowed}", context)
        return value


@dataclass(frozen=True, slots=True)
class Takes:
    """Whatever the annotated type takes, said in `words`."""

    words: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return _told(handler(source), self.words)
