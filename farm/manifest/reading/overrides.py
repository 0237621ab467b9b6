"""`--set render.num_inference_steps=4`: a field of the manifest, changed for one call."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from farm.errors import ManifestError, Problem
from farm.manifest.reading.findings import shown
from farm.manifest.reading.places import Path, Place, dotted
from farm.manifest.reading.yaml_nodes import MAX_DEPTH
from farm.manifest.reading.yaml_tree import read_tree

_FIELD = re.compile(r"\w+(\.\w+|\[\d{1,8}\])*", re.ASCII)
_KEY = re.compile(r"(\w+)|\[(\d+)\]", re.ASCII)


@dataclass(frozen=True, slots=True)
class Override:
    """A field's new value, and where the user wrote it."""

    path: Path
    value: object
    place: Place


def read_override(text: str, number: int) -> Override:
    """Reads `field=value`, the value in YAML; `number`, from 1, is its turn.

    Raises:
        ManifestError: it is not of that form.
    """
    place = Place(number, 0, 0, f"--set {text if len(text) <= 80 else text[:77] + '...'}")
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
) -> tuple[object, list[tuple[Place, Problem]]]:
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


def _replaced(data: object, path: Path, value: object, done: Path = ()) -> object:
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
        f"{dotted(done) or 'the manifest'} is {shown(data)}", "allowed: fields of maps and lists"
    )
