"""Field paths, and their locations in a manifest file or a `--set` override."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

_MAX_KEY_LENGTH = 120
"""Maximum characters of a key in a message; names of label groups have up to 100."""

Key = str | int
FieldPath = tuple[Key, ...]
"""A field: names, list positions and frame numbers, outermost first."""


@dataclass(frozen=True, slots=True, order=True)
class Location:
    """A position in the manifest file or in an override. Locations sort in reading order."""

    override: int
    """0 for the file, otherwise the override's number, from 1."""

    line: int
    """1 or more in a file; 0 for sources without lines: an override, or a mapping from a program."""
    column: int
    source: str
    """The file's path as the user wrote it, the override's text, or `manifest` for a mapping."""

    def __str__(self) -> str:
        return f"{self.source}:{self.line}:{self.column}" if self.line else self.source


def dotted(path: Iterable[Key]) -> str:
    """Return a field's name in the notation of `--set`: `animation.prompts[2]`."""
    return "".join(f"[{key}]" if isinstance(key, int) else f".{_shortened(key)}" for key in path).lstrip(".")


def _shortened(name: str) -> str:
    return name if len(name) <= _MAX_KEY_LENGTH else f"{name[: _MAX_KEY_LENGTH - 3]}..."
