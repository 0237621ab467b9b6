"""A mistake before it has a place: which field, what was found, what is allowed."""

from __future__ import annotations

import difflib
import math
from collections.abc import Collection
from dataclasses import dataclass

from farm.manifest.location import FieldPath


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A mistake in a field; `found`, `allowed` and `hint` as in `farm.errors.Problem`."""

    path: FieldPath
    found: str
    allowed: str
    hint: str = ""


def describe_value(value: object) -> str:
    """Returns a value as the user wrote it, cut to a readable length."""
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case float():
            return repr(value) if math.isfinite(value) else f".{value}".replace(".-", "-.")
        case list() | tuple():
            return f"a list of {len(value)}" if value else "an empty list"
        case dict():
            return f"a map of {len(value)}" if value else "an empty map"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


_LONGEST_WORD = 200
"""Characters: longer ones are near to nothing, and take long to compare."""


def did_you_mean(word: object, choices: Collection[object]) -> str:
    """Returns `Did you mean 'guidance_scale'?`, or nothing if no choice is near."""
    found = nearest_match(word, choices)
    return f"Did you mean {found}?" if found else ""


def nearest_match(word: object, choices: Collection[object]) -> str:
    """Returns the nearest choice in quotation marks, or nothing if none is near."""
    if not choices or len(str(word)) > _LONGEST_WORD:
        return ""
    names = {str(choice).lower(): str(choice) for choice in choices}
    matches = difflib.get_close_matches(str(word).lower(), names, n=1, cutoff=0.6)
    return repr(names[matches[0]]) if matches else ""
