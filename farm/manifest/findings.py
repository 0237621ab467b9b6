"""Mistakes in fields, not yet located in the file, and the phrases that describe them."""

from __future__ import annotations

import difflib
import math
from collections.abc import Collection
from dataclasses import dataclass

from farm.manifest.location import FieldPath

_MAX_WORD_LENGTH = 200
"""Maximum characters. Comparing longer words is slow, and they resemble no name."""

_MAX_VALUE_LENGTH = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A mistake in a field; `found`, `allowed` and `hint` as in `farm.errors.Problem`."""

    path: FieldPath
    found: str
    allowed: str
    hint: str = ""


def describe_value(value: object) -> str:
    """Return a value in YAML's notation, shortened to 60 characters; for a list or map, its size."""
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
    return text if len(text) <= _MAX_VALUE_LENGTH else f"{text[: _MAX_VALUE_LENGTH - 3]}..."


def found_value(value: object, choices: Collection[object] = ()) -> str:
    """Return `found 'cartwhel' (did you mean 'cartwheel'?)`, with the question only if a choice is similar."""
    return f"found {describe_value(value)}{suggestion(value, choices)}"


def suggestion(word: object, choices: Collection[object]) -> str:
    """Return ` (did you mean 'cartwheel'?)`, to follow a word in a message; empty if no choice is similar."""
    match = nearest_match(word, choices)
    return f" (did you mean {match}?)" if match else ""


def did_you_mean(word: object, choices: Collection[object]) -> str:
    """Return `Did you mean 'guidance_scale'?`, or an empty string if no choice is similar."""
    match = nearest_match(word, choices)
    return f"Did you mean {match}?" if match else ""


def nearest_match(word: object, choices: Collection[object]) -> str:
    """Return the most similar choice in quotation marks, or an empty string if none is similar."""
    if not choices or len(str(word)) > _MAX_WORD_LENGTH:
        return ""
    names = {str(choice).lower(): str(choice) for choice in choices}
    matches = difflib.get_close_matches(str(word).lower(), names, n=1, cutoff=0.6)
    return repr(names[matches[0]]) if matches else ""
