"""Loads and checks a manifest, from a file, a text or a mapping."""

from __future__ import annotations

import errno
import json
import os
import stat
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from farm.errors import ManifestError, Problem, UsageError
from farm.manifest.document import Document, Override, SourceMap, apply_overrides, read_override
from farm.manifest.findings import Finding, describe_value
from farm.manifest.location import FieldPath, Location
from farm.manifest.pydantic_errors import translate_errors
from farm.manifest.schema import Manifest
from farm.manifest.sources import SCORING_MODELS, SINGLE_SOURCES, SOURCE_LISTS, is_hub_id
from farm.manifest.yaml_reader import Tree, read_tree
from farm.rules.registry import cross_checks

MAX_FINDINGS = 1000
"""Maximum number of mistakes in fields, and also of mistakes between fields; nobody reads longer lists."""


def check(data: object) -> tuple[Manifest | None, list[Finding], int]:
    """Return the manifest if valid, the mistakes in and between its fields, and the number of omitted mistakes."""
    manifest, findings, invalid = None, list[Finding](), set[FieldPath]()
    try:
        manifest = Manifest.model_validate(data)
    except ValidationError as error:
        findings, invalid = translate_errors(error, data, limit=MAX_FINDINGS)
    more = max(0, len(invalid) - len(findings))
    if isinstance(data, dict):
        findings += islice(cross_checks(data, invalid), MAX_FINDINGS)
    return (None if findings else manifest), findings, more


MAX_BYTES = 4_000_000
MAX_PROBLEMS = MAX_FINDINGS
_MAPPING = "manifest"
"""The name of a manifest given as a mapping, in messages."""


def load(path: str | Path, overrides: Sequence[str] = ()) -> Document:
    """Read and check a manifest; `overrides` are `field=value`, applied in order.

    Raises:
        ManifestError: with every mistake, in the order of the file.
    """
    path = Path(path)
    return parse(_read(path), path, overrides)


def parse(text: str, path: Path, overrides: Sequence[str] = ()) -> Document:
    """Check a manifest's text; `path` is that of its file, which need not exist.

    Raises:
        ManifestError: with every mistake, in the order of the file.
    """
    tree, problems = read_tree(text, lambda line, column: Location(0, line, column, str(path)))
    if not isinstance(tree.value, dict):
        raise _unreadable(str(tree.location), _kind_of(tree.value))
    return _checked(tree, problems, path, *_read_overrides(overrides))


def from_mapping(data: Mapping[str, object], overrides: Sequence[str] = ()) -> Document:
    """Check a manifest given as a mapping of plain values; its paths are relative to the current directory.

    Raises:
        UsageError: if a value is not plain: not a string, number, boolean, null, path, list or mapping.
        ManifestError: with every mistake, in the order of the mapping.
    """
    try:
        text = json.dumps(data, ensure_ascii=False, default=os.fspath)
    except (TypeError, ValueError, RecursionError) as error:
        raise UsageError(
            f"{_MAPPING}: cannot be read: {error}; needed: strings, numbers, booleans, null, lists and mappings."
        ) from error
    tree, problems = read_tree(text, lambda _, column: Location(0, 0, column, _MAPPING))
    return _checked(tree, problems, Path(_MAPPING).absolute(), *_read_overrides(overrides))


def with_overrides(document: Document, overrides: Sequence[str]) -> Document:
    """Check a manifest again with further overrides, `field=value`, applied after its own.

    Raises:
        ManifestError: with every mistake, in the order of the file.
    """
    earlier = document.source_map.overrides
    changes, invalid = _read_overrides(overrides, start=len(earlier) + 1)
    checked = _checked(document.source_map.tree, [], document.path, [*earlier, *changes], invalid)
    return replace(checked, reads=document.reads)


def _checked(
    tree: Tree,
    problems: Sequence[tuple[Location, Problem]],
    path: Path,
    changes: Sequence[Override],
    invalid_overrides: Sequence[Problem],
) -> Document:
    data, misplaced = apply_overrides(tree.value, changes)
    manifest, findings, more = check(_marked_folders(data, path.parent))
    source_map = SourceMap(tree, changes)
    located = [*problems, *misplaced]
    for each in findings:
        problem = source_map.problem(each.path, each.found, each.allowed, each.hint)
        located.append((source_map.location(each.path), problem))
    located.sort(key=lambda entry: entry[0])
    if manifest is None or located or invalid_overrides:
        raise ManifestError(_first([*(problem for _, problem in located), *invalid_overrides], more))
    return Document(manifest=manifest, path=path, source_map=source_map)


def _kind_of(root: object) -> str:
    """Describe a document that is not a map, without quoting it: a link may have led to a secret."""
    match root:
        case None:
            return "an empty manifest"
        case list():
            return f"found {describe_value(root)}"
    return "found a single value"


def _read(path: Path) -> str:
    try:
        # O_NONBLOCK keeps a pipe from blocking.
        with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise OSError(errno.EINVAL, "not a regular file")
            content = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise _unreadable(str(path), f"cannot be read: {reason}") from None
    if len(content) > MAX_BYTES:
        raise _unreadable(str(path), f"more than {MAX_BYTES} bytes")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        column = error.start - content.rfind(b"\n", 0, error.start)
        raise _unreadable(
            f"{path}:{line}:{column}", f"the byte 0x{content[error.start]:02X} is not UTF-8"
        ) from None


def _first(problems: list[Problem], more: int) -> list[Problem]:
    """Shorten a long list of problems; `more` is the number already omitted."""
    if len(problems) + more <= MAX_PROBLEMS:
        return problems
    last = problems[MAX_PROBLEMS - 1]
    found = f"{len(problems) - MAX_PROBLEMS + 1 + more} more mistakes from here on"
    return [
        *problems[: MAX_PROBLEMS - 1],
        replace(last, path="", found=found, allowed="fix those above first", hint=""),
    ]


def _unreadable(where: str, found: str) -> ManifestError:
    allowed = f"needed: a YAML map in UTF-8, up to {MAX_BYTES} bytes, with version, name, model and animation"
    return ManifestError([Problem(where=where, path="", found=found, allowed=allowed)])


def _read_overrides(texts: Sequence[str], *, start: int = 1) -> tuple[list[Override], list[Problem]]:
    changes: list[Override] = []
    problems: list[Problem] = []
    for number, text in enumerate(texts, start=start):
        try:
            changes.append(read_override(text, number))
        except ManifestError as error:
            problems += error.problems
    return changes, problems


def _marked_folders(data: object, folder: Path) -> object:
    """Add `./` to the names of existing folders that look like hub ids, to make them unambiguous."""
    if not isinstance(data, dict):
        return data
    if isinstance(data.get("analysis"), dict):
        analysis = {
            field: _marked(value, folder) if field in SCORING_MODELS else value
            for field, value in data["analysis"].items()
        }
        data = {**data, "analysis": analysis}
    if not isinstance(data.get("model"), dict):
        return data
    model = _marked(data["model"], folder)
    for field in SINGLE_SOURCES:
        if field in model:
            model = {**model, field: _marked(model[field], folder)}
    for field in SOURCE_LISTS:
        if isinstance(model.get(field), list):
            model = {**model, field: [_marked(source, folder) for source in model[field]]}
    return {**data, "model": model}


def _marked(source: Any, folder: Path) -> Any:
    match source:
        case {"pretrained": str(name)} if is_hub_id(name) and not source.get("revision"):
            if _is_folder(folder / name):
                return {**source, "pretrained": f"./{name}"}
    return source


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # the name is too long, or the folder is not accessible
        return False
