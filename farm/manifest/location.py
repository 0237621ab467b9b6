"""Where things are written, and what fields are called."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

_LONGEST_NAME = 120
"""Characters of a key that a message shows: names of groups have up to 100."""

Key = str | int
FieldPath = tuple[Key, ...]
"""A field: names, list positions and frames, from the outermost in."""


@dataclass(frozen=True, slots=True, order=True)
class Location:
    """A place in a file, or in an override. Places sort in the order a reader meets them."""

    override: int
    """0 in the file, else the override's number."""

    line: int
    column: int
    source: str
    """The file as the user named it, or the override."""

    def __str__(self) -> str:
        return self.source if self.override else f"{self.source}:{self.line}:{self.column}"


def dotted(path: Iterable[Key]) -> str:
    """Returns a field's name as users write it: `animation.prompts[2]`."""
    return "".join(f"[{key}]" if isinstance(key, int) else f".{_cut(key)}" for key in path).lstrip(".")


def _cut(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 3]}..."
