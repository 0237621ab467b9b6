"""Which keys a section of the manifest takes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, get_args

from farm.manifest.animation import KINDS
from farm.manifest.schema import Manifest
from farm.manifest.section import Section
from farm.manifest.sweep import Axes


def keys_of(loc: Iterable[int | str]) -> list[str]:
    """Returns the keys of the section at this place, given as pydantic's errors do, with unions' tags."""
    section: Any = Manifest
    for key in loc:
        if isinstance(key, str) and key.startswith("<"):
            section = KINDS.get(key.strip("<>"), section)
        elif isinstance(key, str):
            section = next(_sections_in(_types(section).get(key)), section)
    return list(_types(section))


def _types(section: Any) -> dict[str, Any]:
    if section is Axes:
        return dict(Axes.__annotations__)
    return {field.alias or name: field.annotation for name, field in section.model_fields.items()}


def _sections_in(annotation: Any) -> Iterator[Any]:
    if annotation is Axes or (isinstance(annotation, type) and issubclass(annotation, Section)):
        yield annotation
    for part in get_args(annotation):
        yield from _sections_in(part)
