"""YAML text to PyYAML nodes, refusing what could hurt: deep nesting, alias bombs, tags, several documents."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import yaml
from yaml.reader import Reader

from farm.errors import ManifestError, Problem
from farm.manifest.reading.places import Place

MAX_DEPTH = 32
MAX_VALUES = 200_000
MAX_CHARACTERS = 4_000_000
"""Of keys and values: no more than a file may have."""

_TOO_DEEP = f"more than {MAX_DEPTH} levels of nesting", f"allowed: up to {MAX_DEPTH}"
_TOO_LONG = (
    f"more than {MAX_CHARACTERS} characters once every alias is written out",
    f"allowed: up to {MAX_CHARACTERS}",
)
_TOO_LARGE = f"more than {MAX_VALUES} values once every alias is written out", f"allowed: up to {MAX_VALUES}"

Loader: type = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
"""Resolves no types: YAML 1.2's are told apart in `yaml_scalars`."""

Locate = Callable[[int, int], Place]
"""Makes a place of a line and a column, both from 1."""


def compose(text: str, locate: Locate) -> yaml.Node | None:
    """Returns the text's one document, or None if it is empty.

    Raises:
        ManifestError: not YAML, or YAML that no manifest needs.
    """
    unprintable = Reader.NON_PRINTABLE.search(text)
    if unprintable:
        before = text[: unprintable.start()]
        place = locate(before.count("\n") + 1, len(before) - before.rfind("\n"))
        found = f"the character U+{ord(unprintable.group()):04X}"
        raise _refusal(place, found, "allowed: printable characters; in double quotes, write it as an escape")
    try:
        _check_events(text, locate)
        root = yaml.compose(text, Loader)
    except yaml.MarkedYAMLError as error:
        place = place_of(error.problem_mark or error.context_mark, locate)
        found = " ".join(filter(None, ("not valid YAML:", error.problem, error.context)))
        raise _refusal(place, found, "allowed: one YAML document", _hint(error.problem or "")) from None
    if root is not None:
        _check_size(root, locate)
    return root


def place_of(mark: Any, locate: Locate) -> Place:
    """Returns a mark of PyYAML's (its C or its Python one) as a place; PyYAML counts from 0."""
    return locate(mark.line + 1, mark.column + 1) if mark else locate(1, 1)


def _refusal(place: Place, found: str, allowed: str, hint: str = "") -> ManifestError:
    return ManifestError([Problem(where=str(place), path="", found=found, allowed=allowed, hint=hint)])


def _hint(problem: str) -> str:
    if "mapping values are not allowed" in problem:
        return "Put a text that holds ': ' in quotes."
    if "cannot start any token" in problem:
        return "Indent with spaces, and put a text that begins with a special character in quotes."
    return ""


def _check_events(text: str, locate: Locate) -> None:
    """Looks at the stream before PyYAML recurses into it."""
    depth = documents = values = 0
    root_is_map = False
    for event in yaml.parse(text, Loader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        documents += isinstance(event, yaml.DocumentStartEvent)
        values += isinstance(event, yaml.NodeEvent)
        root_is_map |= values == 1 and isinstance(event, yaml.MappingStartEvent)
        tag = getattr(event, "tag", None)
        if depth > MAX_DEPTH:
            raise _refusal(place_of(event.start_mark, locate), *_TOO_DEEP)
        if values > MAX_VALUES:
            raise _refusal(place_of(event.start_mark, locate), *_TOO_LARGE)
        if documents > 1:
            place = place_of(event.start_mark, locate)
            raise _refusal(place, "a second document", "allowed: one manifest per file")
        if tag is not None:
            place = place_of(event.start_mark, locate)
            # Of a document that is no map nothing is quoted: it may be no manifest, but a secret that a link leads to.
            found = f"the tag {tag}" if root_is_map else "a tag"
            raise _refusal(place, found, "allowed: YAML without tags", "Leave the tag out.")


def _check_size(root: yaml.Node, locate: Locate) -> None:
    """Counts values, levels and characters as if every alias were written out, visiting each node once."""
    measured: dict[int, tuple[int, int, int] | None] = {}

    def measure(node: yaml.Node) -> tuple[int, int, int]:
        known = measured.get(id(node), (0, 0, 0))
        if known is None:
            place = place_of(node.start_mark, locate)
            raise _refusal(
                place, "an alias within its own anchor", "allowed: an alias after its anchor's end"
            )
        if known[0]:
            return known
        measured[id(node)] = None
        inner = [measure(child) for child in _children(node)]
        size = 1 + sum(size for size, _, _ in inner)
        depth = 1 + max((depth for _, depth, _ in inner), default=0)
        length = sum(length for _, _, length in inner)
        if isinstance(node, yaml.ScalarNode):
            length = len(node.value)
        if length > MAX_CHARACTERS:
            raise _refusal(place_of(node.start_mark, locate), *_TOO_LONG)
        if size > MAX_VALUES:
            raise _refusal(place_of(node.start_mark, locate), *_TOO_LARGE)
        if depth > MAX_DEPTH + 1:
            raise _refusal(place_of(node.start_mark, locate), *_TOO_DEEP)
        measured[id(node)] = size, depth, length
        return size, depth, length

    measure(root)


def _children(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [part for pair in node.value for part in pair]
    return node.value if isinstance(node, yaml.SequenceNode) else []
