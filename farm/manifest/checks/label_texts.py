"""Whether labels of a group are asked for with texts of their own: two of one text are always as probable."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from farm.manifest.analysis import TEMPLATE
from farm.manifest.findings import Finding, describe_value
from farm.manifest.location import FieldPath


def same_texts(labels: Mapping[Any, Any], template: Any, path: FieldPath) -> Iterator[Finding]:
    """Yields every label whose text is that of one before it in its group; `path` is that of the groups.

    Of what is wrong by itself nothing is said.
    """
    for group, written in labels.items():
        if isinstance(written, list):
            its = template.get(group, TEMPLATE) if isinstance(template, dict) else template
            yield from _within(written, its, (*path, group))


def _within(written: list[Any], template: Any, path: FieldPath) -> Iterator[Finding]:
    asked: dict[str, str] = {}
    for position, label in enumerate(written):
        match label:
            case str():
                name, text = label, template.replace("{label}", label) if isinstance(template, str) else None
            case dict() if len(label) == 1:
                [(name, text)] = label.items()
            case _:
                continue
        if not isinstance(name, str) or not isinstance(text, str):
            continue
        if asked.setdefault(text, name) != name:
            yield Finding(
                path=(*path, position),
                found=f"its text {describe_value(text)} is already that of {describe_value(asked[text])}",
                allowed="needed: another text, since nothing tells labels of one text apart",
            )
