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


@dataclass(frozen=True, slots=True)
class Override:
    """A field's new value, and where the user wrote it."""

    path: FieldPath
    value: object
    place: Location


def read_override(text: str, number: int) -> Override:
    """Reads `field=value`, the value in YAML; `number`, from 1, is its turn.

    Raises:
        ManifestError: it is not of that form.
    """
    place = Location(number, 0, 0, f"--set {text if len(text) <= 80 else text[:77] + '...'}")
    field, equals, value = text.partition("=")
    if not equals or not _FIELD.fullmatch(field.strip()):
        allowed = "allowed: FIELD=VALUE, such as render.num_inference_steps=4 or animation.prompts[1]=a fox"
        raise ManifestError([Problem(where=str(place), path="", found="no field and value", allowed=allowed)])
    path = tuple(name or int(position) for name, position in _KEY.findall(field))
    if len(path) > MAX_DEPTH:
        found, allowed = f"more than {MAX_DEPTH} levels of nesting", f"allowed: up to {MAX_DEPTH}"
        raise ManifestError([Problem(where=str(place), path="", found=found, allowed=allowed)])
    tree, problems = read_tree(value.strip(), lambda line, column: place, path)
    if problems:
        raise ManifestError(problem for _, problem in problems)
    return Override(path, tree.value, place)


def apply_overrides(
    data: object, overrides: Sequence[Override]
) -> tuple[object, list[tuple[Location, Problem]]]:
    """Returns the data with every override applied in turn, and the overrides that fit nowhere."""
    problems = []
    for override in overrides:
        try:
            data = _replaced(data, override.path, override.value)
        except LookupError as error:
            where, path = str(override.place), dotted(override.path)
            problem = Problem(where=where, path=path, found=error.args[0], allowed=error.args[1])
            problems.append((override.place, problem))
    return data, problems


def _replaced(data: object, path: FieldPath, value: object, done: FieldPath = ()) -> object:
    """Returns a copy with one field replaced; what is null or a switch on the way there becomes a map."""
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
    """Where fields come from: the file, or the overrides laid over it."""

    tree: Tree
    overrides: Sequence[Override] = ()

    def place(self, path: FieldPath) -> Location:
        """Returns where a field is written, or else its nearest ancestor that is."""
        in_file, depth = self.tree.nearest(path)
        best = (depth, False)
        place = in_file
        for override in self.overrides:
            shared = _shared(override.path, path)
            covers = shared == len(override.path)
            if (covers or shared > depth) and (shared, covers) >= best:
                best, place = (shared, covers), override.place
        return place

    def problem(self, path: FieldPath, found: str, allowed: str, hint: str = "") -> Problem:
        """Returns a mistake at the place of a field."""
        where = str(self.place(path))
        return Problem(where=where, path=dotted(path), found=found, allowed=allowed, hint=hint)


def _shared(one: FieldPath, other: FieldPath) -> int:
    """Counts the keys that two paths begin with together."""
    count = 0
    for key, other_key in zip(one, other, strict=False):
        if key != other_key:
            break
        count += 1
    return count


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A manifest that was loaded; it also tells the mistakes that later layers find in it.

    `reads` says what it may have read.
    """

    manifest: Manifest
    path: Path
    origin: SourceMap = field(repr=False)
    reads: ReadPolicy = ANYTHING

    @property
    def folder(self) -> Path:
        """What relative paths in the manifest are relative to."""
        return self.path.parent

    def problem(self, path: FieldPath, found: str, allowed: str, hint: str = "") -> Problem:
        """Returns a mistake at the place of a field, or of its nearest ancestor if it is not written."""
        return self.origin.problem(path, found, allowed, hint)

    def error(self, path: FieldPath, found: str, allowed: str, hint: str = "") -> ManifestError:
        """Returns an error with this one problem."""
        return ManifestError([self.problem(path, found, allowed, hint)])
