"""Which keys a section of the manifest takes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

from farm.manifest.animation import KINDS
from farm.manifest.schema import Manifest
from farm.manifest.section import Section
from farm.manifest.sweep import Axes

Loc = tuple[int | str, ...]
"""A place as pydantic's errors give it: with the tags of unions."""


def keys_of(loc: Loc) -> list[str]:
    """Returns the keys that the section at this place takes."""
    return list(_fields(_section(loc)))


def meaning_of(loc: Loc) -> str:
    """Returns what the field at this place is documented to be, as part of a sentence."""
    field = _fields(_section(loc[:-1]))[str(loc[-1])]
    description = (getattr(field, "description", None) or "a value").rstrip(".")
    return description[0].lower() + description[1:]


def _section(loc: Loc) -> Any:
    section: Any = Manifest
    for key in loc:
        if isinstance(key, str) and key.startswith("<"):
            section = KINDS.get(key.strip("<>"), section)
        elif isinstance(key, str):
            field = _fields(section).get(key)
            section = next(_sections_in(getattr(field, "annotation", field)), section)
    return section


def _fields(section: Any) -> dict[str, Any]:
    if section is Axes:
        return dict(Axes.__annotations__)
    return {field.alias or name: field for name, field in section.model_fields.items()}


def _sections_in(annotation: Any) -> Iterator[Any]:
    if annotation is Axes or (isinstance(annotation, type) and issubclass(annotation, Section)):
        yield annotation
    for part in get_args(annotation):
        yield from _sections_in(part)
