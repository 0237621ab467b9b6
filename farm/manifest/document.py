"""A checked manifest and the location of every field: in the file, or in a `--set` override."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from farm.errors import ManifestError, Problem
from farm.manifest.findings import describe_value
from farm.manifest.location import FieldPath, Location, dotted
from farm.manifest.read_policy import ANYTHING, ReadPolicy
from farm.manifest.schema import Manifest
from farm.manifest.yaml_reader import MAX_DEPTH, Tree, read_tree

_FIELD = re.compile(r"\w+(\.\w+|\[\d{1,8}\])*", re.ASCII)
_KEY = re.compile(r"(\w+)|\[(\d+)\]", re.ASCII)
_MAX_TEXT_LENGTH = 80


@dataclass(frozen=True, slots=True)
class Override:
    """A `--set` option: the new value of a field, and the option's location."""

    path: FieldPath
    value: object
    location: Location


def read_override(text: str, number: int) -> Override:
    """Read `field=value`, with the value in YAML; `number`, from 1, is the position among the overrides.

    Raises:
        ManifestError: if the text does not have that form.
    """
    shortened = text if len(text) <= _MAX_TEXT_LENGTH else f"{text[: _MAX_TEXT_LENGTH - 3]}..."
    location = Location(number, 0, 0, f"--set {shortened}")
    name, equals, value = text.partition("=")
    if not equals or not _FIELD.fullmatch(name.strip()):
        allowed = "allowed: FIELD=VALUE, such as render.num_inference_steps=4 or animation.prompts[1]=a fox"
        raise _refusal(location, "no field and value", allowed)
    path = tuple(key or int(position) for key, position in _KEY.findall(name))
    if len(path) > MAX_DEPTH:
        raise _refusal(location, f"more than {MAX_DEPTH} levels of nesting", f"allowed: up to {MAX_DEPTH}")
    tree, problems = read_tree(value.strip(), lambda line, column: location, path)
    if problems:
        raise ManifestError(problem for _, problem in problems)
    return Override(path, tree.value, location)


def _refusal(location: Location, found: str, allowed: str) -> ManifestError:
    return ManifestError([Problem(where=str(location), path="", found=found, allowed=allowed)])


def apply_overrides(
    data: object, overrides: Sequence[Override]
) -> tuple[object, list[tuple[Location, Problem]]]:
    """Return the data with the overrides applied in order, and a problem for each one that cannot be applied."""
    problems = []
    for override in overrides:
        try:
            data = _replaced(data, override.path, override.value)
        except LookupError as error:
            where, path = str(override.location), dotted(override.path)
            problem = Problem(where=where, path=path, found=error.args[0], allowed=error.args[1])
            problems.append((override.location, problem))
    return data, problems


def _replaced(data: object, path: FieldPath, value: object, done: FieldPath = ()) -> object:
    """Return a copy with one field replaced; null, true or false on the path to it becomes a map."""
    if not path:
        return value
    key, rest = path[0], path[1:]
    inner_path = (*done, key)
    if isinstance(data, dict):
        return {**data, key: _replaced(data.get(key), rest, value, inner_path)}
    if isinstance(data, list) and isinstance(key, int):
        if key >= len(data):
            raise LookupError(
                f"{dotted(done)} has no entry {key}", f"allowed: entries from 0 to {len(data) - 1}"
            )
        return [*data[:key], _replaced(data[key], rest, value, inner_path), *data[key + 1 :]]
    if data is None or isinstance(data, bool):
        return {key: _replaced(None, rest, value, inner_path)}
    raise LookupError(
        f"{dotted(done) or 'the manifest'} is {describe_value(data)}", "allowed: fields of maps and lists"
    )


@dataclass(frozen=True, slots=True)
class SourceMap:
    """The location of every field: in the file, or in an override."""

    tree: Tree
    overrides: Sequence[Override] = ()

    def location(self, path: FieldPath) -> Location:
        """Return the location of a field, or of its nearest ancestor in the source."""
        in_file, depth = self.tree.nearest(path)
        best = (depth, False)
        location = in_file
        for override in self.overrides:
            shared = _common_prefix_length(override.path, path)
            covers = shared == len(override.path)
            if (covers or shared > depth) and (shared, covers) >= best:
                best, location = (shared, covers), override.location
        return location

    def problem(self, path: FieldPath, found: str, allowed: str, hint: str = "") -> Problem:
        """Return a problem at the location of a field."""
        where = str(self.location(path))
        return Problem(where=where, path=dotted(path), found=found, allowed=allowed, hint=hint)


def _common_prefix_length(one: FieldPath, other: FieldPath) -> int:
    count = 0
    for key, other_key in zip(one, other, strict=False):
        if key != other_key:
            break
        count += 1
    return count


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A loaded manifest. Later layers report problems through it, so that each has a location.

    `reads` limits the files and checkpoints that the manifest may name.
    """

    manifest: Manifest
    path: Path
    source_map: SourceMap = field(repr=False)
    reads: ReadPolicy = ANYTHING

    @property
    def name(self) -> str:
        """The name of the job and of its folder."""
        return self.manifest.name

    @property
    def folder(self) -> Path:
        """The folder to which paths in the manifest are relative."""
        return self.path.parent

    def problem(self, path: FieldPath, found: str, allowed: str, hint: str = "") -> Problem:
        """Return a problem at the location of a field, or of its nearest ancestor in the source."""
        return self.source_map.problem(path, found, allowed, hint)

    def error(self, path: FieldPath, found: str, allowed: str, hint: str = "") -> ManifestError:
        """Return an error with this one problem."""
        return ManifestError([self.problem(path, found, allowed, hint)])
