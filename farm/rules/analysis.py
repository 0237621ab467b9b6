"""The analysis: at least one measurement, and groups and labels with distinct texts and table columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from farm.inputs.checkpoints.tokenizers import TextReader
from farm.manifest.analysis import TEMPLATE, Clip, label_name
from farm.manifest.findings import Finding, describe_value, suggestion
from farm.manifest.location import FieldPath
from farm.records import LabelGroup, slug
from farm.rules.context import Context


def duplicate_texts(labels: Mapping[Any, Any], template: Any, path: FieldPath) -> Iterator[Finding]:
    """Yield every label with the same text as an earlier one in its group; `path` is that of the groups.

    Values that are invalid by themselves are skipped.
    """
    for group, written in labels.items():
        if isinstance(written, list):
            own = template.get(group, TEMPLATE) if isinstance(template, dict) else template
            yield from _duplicates(written, own, (*path, group))


def _duplicates(written: list[Any], template: Any, path: FieldPath) -> Iterator[Finding]:
    names: dict[str, str] = {}
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
        if names.setdefault(text, name) != name:
            yield Finding(
                path=(*path, position),
                found=f"its text {describe_value(text)} is already that of {describe_value(names[text])}",
                allowed="needed: a different text, since labels with the same text cannot be distinguished",
            )


_CLIP: FieldPath = ("analysis", "clip")
_SIMILARITY = "similarity"
"""Reserved as a group's name: `clip_similarity_1` is the column of the first prompt."""


def analysis_checks(manifest: Mapping[Any, Any]) -> Iterator[Finding]:
    """Yield analyses without measurements, groups and labels without distinct columns or texts, unused templates."""
    match manifest:
        case {"analysis": {"smoothness": False, **models}} if not any(
            models.get(part) not in (None, False) for part in ("clip", "classifier")
        ):
            allowed = "needed: clip, classifier or smoothness; or analysis: null"
            yield Finding(path=("analysis",), found="nothing is measured", allowed=allowed)
    match manifest:
        case {"analysis": {"clip": {"labels": dict(labels), **clip}}}:
            yield from _groups(labels)
            yield from duplicate_texts(labels, clip.get("template", TEMPLATE), (*_CLIP, "labels"))
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
        mistake = _group_name_mistake(group, groups)
        if mistake is not None:
            yield Finding(path=path, found=mistake[0], allowed=mistake[1])
        elif isinstance(written, list):
            groups[slug(group)] = group
            for position, label in enumerate(written):
                yield from _label(group, label, (*path, position), columns)


def _group_name_mistake(group: str, others: Mapping[str, str]) -> tuple[str, str] | None:
    """Return the mistake in a group's name and what is allowed instead, or None."""
    name = slug(group)
    if not name:
        return f"found {describe_value(group)}", "needed: a letter or digit, for the names of its columns"
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
    """Yield the mistake in a label's name; without one, add its column to `columns`."""
    label = (
        label_name(written) if isinstance(written, str) or (isinstance(written, dict) and written) else None
    )
    if not isinstance(label, str):
        return
    column = LabelGroup(name=group, labels=(label,), texts=("",)).columns[0]
    if not slug(label):
        allowed = "needed: a letter or digit, for the name of its column"
        yield Finding(path=path, found=f"found {describe_value(label)}", allowed=allowed)
    elif column in columns:
        yield Finding(
            path=path,
            found=f"the column {column} is already used by {columns[column]}",
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
                found=f"there is no group {describe_value(group)}{suggestion(group, list(labels))}",
                allowed=f"allowed: {', '.join(map(str, labels)) or 'none, since there are no labels'}",
            )


def scoring_model_warnings(context: Context) -> Iterator[Finding]:
    """Yield hub models that are neither cached nor allowed to be fetched, and labels that CLIP cannot read in full."""
    analysis, scoring = context.manifest.analysis, context.inputs.scoring
    if analysis is None or scoring is None:
        return
    for field, source in scoring.unreachable.items():
        yield Finding(
            path=("analysis", field, "pretrained"),
            found="not in this machine's hub cache, and HF_HUB_OFFLINE forbids fetching it",
            allowed=f"needed where frames are measured: hf download {source.location} --revision {source.revision}",
        )
    if analysis.clip is not None and scoring.reader is not None:
        yield from _labels(analysis.clip, scoring.reader)


def _labels(clip: Clip, reader: TextReader) -> Iterator[Finding]:
    for group in clip.groups:
        for position, (label, text) in enumerate(zip(clip.labels[group.name], group.texts, strict=True)):
            field = ("analysis", "clip", "labels", group.name, position)
            truncation = reader.truncation(text)
            if truncation is not None:
                yield Finding(
                    path=field,
                    found=f"its text has {truncation.tokens} tokens, of which {clip.pretrained} reads "
                    f"{truncation.read}",
                    allowed=f"unread: {describe_value(truncation.unread)}",
                )
            own = label if isinstance(label, str) else text
            if not reader.recognizes(own):
                yield Finding(
                    path=field,
                    found=f"the tokenizer of {clip.pretrained} recognizes no word of {describe_value(own)}",
                    allowed="needed: words from its training data, or its probabilities mean little",
                )
