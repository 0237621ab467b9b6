"""In what two manifests differ: what makes jobs comparable, and what is compared. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from farm.errors import UsageError
from farm.manifest import Manifest
from farm.manifest.references import written_prompts
from farm.run.compare.comparison import Setting

_NO_SETTINGS = frozenset(("version", "name", "description", "output", "analysis"))
"""What changes no frame."""


def differing(one: Manifest, other: Manifest) -> tuple[Setting, ...]:
    """Return the settings in which two resolved manifests differ, in their order."""
    both = (manifest.model_dump(mode="json", by_alias=True) for manifest in (one, other))
    first, second = ({key: data[key] for key in data if key not in _NO_SETTINGS} for data in both)
    return tuple(_apart("", first, second))


def refuse_unlike(labels: tuple[str, str], one: Manifest, other: Manifest) -> None:
    """Refuse jobs of which frames of one number are not to show the same.

    Raises:
        UsageError: with what of prompts and frame count differs.
    """
    clauses = [*_unlike(labels, one, other)]
    if clauses:
        raise UsageError(
            f"{labels[0]} and {labels[1]}: cannot be compared frame by frame: {'; '.join(clauses)}. Compare jobs of "
            "the same prompts and frame count, such as one manifest rendered with two --set."
        )


def _unlike(labels: tuple[str, str], one: Manifest, other: Manifest) -> Iterator[str]:
    frames = one.animation.frame_count, other.animation.frame_count
    if frames[0] != frames[1]:
        yield f"{labels[0]} has {frames[0]} frames, {labels[1]} has {frames[1]}"
    prompts, others = _prompts(one), _prompts(other)
    if len(prompts) != len(others):
        yield f"{labels[0]} has {_count(prompts)}, {labels[1]} has {_count(others)}"
        return
    unlike = [number for number in range(len(prompts)) if prompts[number] != others[number]]
    if unlike:
        first = unlike[0]
        more = f" (and {len(unlike) - 1} more differ)" if len(unlike) > 1 else ""
        yield (
            f"prompt {first + 1} is {prompts[first]!r} in {labels[0]} and {others[first]!r} in {labels[1]}{more}"
        )


def _prompts(manifest: Manifest) -> list[str]:
    return [text for place, text in written_prompts(manifest) if place[0] == "animation"]


def _count(prompts: Sequence[str]) -> str:
    return "1 prompt" if len(prompts) == 1 else f"{len(prompts)} prompts"


def _apart(field: str, one: Any, other: Any) -> Iterator[Setting]:
    if one == other or not (_is_set(one) or _is_set(other)):
        return
    parts, others = _parts(one), _parts(other)
    if parts is None or others is None:
        yield Setting(field=field, first=one, second=other)
        return
    for key in dict.fromkeys((*parts, *others)):
        yield from _apart(f"{field}.{key}" if field else key, parts.get(key), others.get(key))


def _is_set(value: Any) -> bool:
    return value is not None and value != {} and value != []


def _parts(value: Any) -> Mapping[str, Any] | None:
    """Return what a section, or a list of sections, consists of; nothing if it is not set; None for a single value."""
    if isinstance(value, Mapping):
        return {str(key): part for key, part in value.items()}
    if isinstance(value, list) and all(isinstance(part, Mapping) for part in value):
        return {str(number): part for number, part in enumerate(value)}
    return {} if value is None else None
