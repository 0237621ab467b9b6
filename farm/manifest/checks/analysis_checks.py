"""Whether the analysis measures anything, and tells groups and labels apart, as columns of the table too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from farm.manifest.analysis import TEMPLATE, label_name
from farm.manifest.checks.label_texts import same_texts
from farm.manifest.findings import Finding, describe_value, did_you_mean
from farm.manifest.location import FieldPath
from farm.records import LabelGroup, slug

_CLIP: FieldPath = ("analysis", "clip")
_SIMILARITY = "similarity"
"""No group's name: `clip_similarity_1` is of the first prompt."""


def analysis_checks(manifest: Mapping[Any, Any]) -> Iterator[Finding]:
    """Yields what measures nothing, groups and labels without a column or text of their own, and idle templates."""
    match manifest:
        case {"analysis": {"smoothness": False, **judges}} if not any(
            judges.get(part) not in (None, False) for part in ("clip", "classifier")
        ):
            allowed = "needed: clip, classifier or smoothness; or analysis: null"
            yield Finding(path=("analysis",), found="nothing is measured", allowed=allowed)
    match manifest:
        case {"analysis": {"clip": {"labels": dict(labels), **clip}}}:
            yield from _groups(labels)
            yield from same_texts(labels, clip.get("template", TEMPLATE), (*_CLIP, "labels"))
    match manifest:
        case {"analysis": {"clip": {"template": dict(templates), **clip}}}:
            yield from _templates(templates, clip.get("labels", {}))


def _groups(labels: Mapping[Any, Any]) -> Iterator[Finding]:
    groups: dict[str, str] = {}
    columns: dict[str, str] = {}
    for group, written in labels.items():
        path = (*_CLIP, "labels", group)
        if not isinstance(group, str):
            continue
        wrong = _wrong_name(group, groups)
        if wrong is not None:
            yield Finding(path=path, found=wrong[0], allowed=wrong[1])
        elif isinstance(written, list):
            groups[slug(group)] = group
            for position, label in enumerate(written):
                yield from _label(group, label, (*path, position), columns)


def _wrong_name(group: str, others: Mapping[str, str]) -> tuple[str, str] | None:
    """Returns what is wrong with a group's name, and what is allowed instead."""
    name = slug(group)
    if not name:
        return f"found {describe_value(group)}", "needed: a letter or digit, by which columns are named"
    if name == _SIMILARITY:
        return (
            f"the columns of {describe_value(group)} would be named like those of prompts",
            "allowed: any other name",
        )
    if name in others:
        found = f"the columns of {describe_value(group)} would be named like those of {describe_value(others[name])}"
        return found, "allowed: names that differ in a letter or digit"
    return None


def _label(group: str, written: Any, path: FieldPath, columns: dict[str, str]) -> Iterator[Finding]:
    """Yields what is wrong with a label's name; else notes its column among those that are taken."""
    label = (
        label_name(written) if isinstance(written, str) or (isinstance(written, dict) and written) else None
    )
    if not isinstance(label, str):
        return
    column = LabelGroup(name=group, labels=(label,), texts=("",)).columns[0]
    if not slug(label):
        allowed = "needed: a letter or digit, by which its column is named"
        yield Finding(path=path, found=f"found {describe_value(label)}", allowed=allowed)
    elif column in columns:
        yield Finding(
            path=path,
            found=f"the column {column} is already that of {columns[column]}",
            allowed="allowed: labels that differ in a letter or digit",
        )
    else:
        columns[column] = f"{describe_value(label)} of {describe_value(group)}"


def _templates(templates: Mapping[Any, Any], labels: Any) -> Iterator[Finding]:
    if not isinstance(labels, dict):
        return
    for group in templates:
        if group not in labels:
            yield Finding(
                path=(*_CLIP, "template", group),
                found=f"there is no group {describe_value(group)}",
                allowed=f"allowed: {', '.join(map(str, labels)) or 'none, since there are no labels'}",
                hint=did_you_mean(group, list(labels)),
            )
