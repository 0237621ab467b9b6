"""Reads YAML 1.2 into plain values with their locations, and refuses features that a manifest never needs."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import yaml
from yaml.reader import Reader

from farm.errors import ManifestError, Problem
from farm.manifest.location import FieldPath, Key, Location, dotted

_INTEGER = re.compile(r"[-+]?[0-9]{1,40}|0o[0-7]{1,40}|0x[0-9a-fA-F]{1,40}")
"""Longer integers remain strings: no field accepts them, and Python refuses to print very long ones."""

_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_DIGITS = re.compile(r"[-+]?[0-9]+")
_MAX_FLOAT_LENGTH = 400
_KEYWORDS: dict[str, bool | float | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), math.inf),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
}


def plain_scalar(text: str) -> str | int | float | bool | None:
    """Return the value of an unquoted scalar according to YAML 1.2's core schema (1.2.2, section 10.3.2).

    `no` and `on` are strings, `1e5` is a number.
    """
    if text in _KEYWORDS:
        return _KEYWORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text, {"o": 8, "x": 16}.get(text[1:2], 10))
    if len(text) <= _MAX_FLOAT_LENGTH and _FLOAT.fullmatch(text) and not _DIGITS.fullmatch(text):
        return float(text)
    return text


MAX_DEPTH = 32
MAX_VALUES = 200_000
MAX_CHARACTERS = 4_000_000
"""Maximum total characters of keys and values, equal to the limit for a file."""

_TOO_DEEP = f"more than {MAX_DEPTH} levels of nesting", f"allowed: up to {MAX_DEPTH}"
_TOO_LONG = (
    f"more than {MAX_CHARACTERS} characters with all aliases expanded",
    f"allowed: up to {MAX_CHARACTERS}",
)
_TOO_LARGE = f"more than {MAX_VALUES} values with all aliases expanded", f"allowed: up to {MAX_VALUES}"

Loader: type = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
"""Resolves no types; `plain_scalar` does, according to YAML 1.2."""

Locate = Callable[[int, int], Location]
"""Creates a location from a line and a column, both counted from 1."""


def _compose(text: str, locate: Locate) -> yaml.Node | None:
    """Return the root node of the text's only document, or None if the text is empty.

    Raises:
        ManifestError: if the text is not YAML, or uses tags, several documents, deep nesting or excessive aliases.
    """
    unprintable = Reader.NON_PRINTABLE.search(text)
    if unprintable:
        before = text[: unprintable.start()]
        location = locate(before.count("\n") + 1, len(before) - before.rfind("\n"))
        found = f"the character U+{ord(unprintable.group()):04X}"
        raise _refusal(
            location, found, "allowed: printable characters; in double quotes, write it as an escape"
        )
    try:
        _check_events(text, locate)
        root = yaml.compose(text, Loader)
    except yaml.MarkedYAMLError as error:
        location = _location_of(error.problem_mark or error.context_mark, locate)
        found = " ".join(filter(None, ("not valid YAML:", error.problem, error.context)))
        raise _refusal(location, found, "allowed: one YAML document", _hint(error.problem or "")) from None
    if root is not None:
        _check_size(root, locate)
    return root


def _location_of(mark: Any, locate: Locate) -> Location:
    """Return the location of a PyYAML mark, from its C or its Python parser, which count from 0."""
    return locate(mark.line + 1, mark.column + 1) if mark else locate(1, 1)


def _refusal(location: Location, found: str, allowed: str, hint: str = "") -> ManifestError:
    return ManifestError([Problem(where=str(location), path="", found=found, allowed=allowed, hint=hint)])


def _hint(problem: str) -> str:
    if "mapping values are not allowed" in problem:
        return "Put text that contains ': ' in quotes."
    if "cannot start any token" in problem:
        return "Indent with spaces, and put text that begins with a special character in quotes."
    return ""


def _check_events(text: str, locate: Locate) -> None:
    """Check the stream of events before PyYAML recurses into it."""
    depth = documents = values = 0
    root_is_map = False
    for event in yaml.parse(text, Loader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        documents += isinstance(event, yaml.DocumentStartEvent)
        values += isinstance(event, yaml.NodeEvent)
        root_is_map |= values == 1 and isinstance(event, yaml.MappingStartEvent)
        tag = getattr(event, "tag", None)
        if depth > MAX_DEPTH:
            raise _refusal(_location_of(event.start_mark, locate), *_TOO_DEEP)
        if values > MAX_VALUES:
            raise _refusal(_location_of(event.start_mark, locate), *_TOO_LARGE)
        if documents > 1:
            location = _location_of(event.start_mark, locate)
            raise _refusal(location, "a second document", "allowed: one manifest per file")
        if tag is not None:
            location = _location_of(event.start_mark, locate)
            # Do not quote a document that is not a map: a link may have led to a secret.
            found = f"the tag {tag}" if root_is_map else "a tag"
            raise _refusal(location, found, "allowed: YAML without tags", "Remove the tag.")


def _check_size(root: yaml.Node, locate: Locate) -> None:
    """Count values, levels and characters with every alias expanded, but visit each node only once."""
    measured: dict[int, tuple[int, int, int] | None] = {}

    def measure(node: yaml.Node) -> tuple[int, int, int]:
        earlier = measured.get(id(node), (0, 0, 0))
        if earlier is None:
            location = _location_of(node.start_mark, locate)
            raise _refusal(
                location, "an alias inside its own anchor", "allowed: aliases after the end of their anchor"
            )
        if earlier[0]:
            return earlier
        measured[id(node)] = None
        inner = [measure(child) for child in _children(node)]
        size = 1 + sum(size for size, _, _ in inner)
        depth = 1 + max((depth for _, depth, _ in inner), default=0)
        length = sum(length for _, _, length in inner)
        if isinstance(node, yaml.ScalarNode):
            length = len(node.value)
        if length > MAX_CHARACTERS:
            raise _refusal(_location_of(node.start_mark, locate), *_TOO_LONG)
        if size > MAX_VALUES:
            raise _refusal(_location_of(node.start_mark, locate), *_TOO_LARGE)
        if depth > MAX_DEPTH + 1:
            raise _refusal(_location_of(node.start_mark, locate), *_TOO_DEEP)
        measured[id(node)] = size, depth, length
        return size, depth, length

    measure(root)


def _children(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [part for pair in node.value for part in pair]
    return node.value if isinstance(node, yaml.SequenceNode) else []


@dataclass(frozen=True, slots=True)
class Tree:
    """A plain value, the location of its key or else of the value, and its entries if it is a list or map."""

    value: object
    location: Location
    children: Mapping[Key, Tree] = field(default_factory=dict)

    def nearest(self, path: FieldPath) -> tuple[Location, int]:
        """Return the location and the depth of a field, or of its nearest existing ancestor."""
        tree = self
        for depth, key in enumerate(path):
            child = tree.children.get(key)
            if child is None:
                return tree.location, depth
            tree = child
        return tree.location, len(path)


def read_tree(text: str, locate: Locate, path: FieldPath = ()) -> tuple[Tree, list[tuple[Location, Problem]]]:
    """Return the tree of a YAML text, and the problems in its keys; `path` is the field that the text sets.

    An empty text is null. The first of duplicate keys is kept. Merge keys and aliases are resolved.

    Raises:
        ManifestError: if the text is not YAML, or uses tags, several documents, deep nesting or excessive aliases.
    """
    root = _compose(text, locate)
    if root is None:
        return Tree(None, locate(1, 1)), []
    builder = _TreeBuilder(locate)
    return builder.tree(root, path), builder.problems


class _TreeBuilder:
    """Builds trees from nodes, each node once, and collects the problems in keys."""

    def __init__(self, locate: Locate) -> None:
        self._locate = locate
        self._built: dict[int, Tree] = {}
        self.problems: list[tuple[Location, Problem]] = []

    def tree(self, node: yaml.Node, path: FieldPath) -> Tree:
        if id(node) not in self._built:
            self._built[id(node)] = self._build(node, path)
        return self._built[id(node)]

    def _build(self, node: yaml.Node, path: FieldPath) -> Tree:
        location = self._location(node)
        if isinstance(node, yaml.MappingNode):
            entries = self._entries(node, path)
            return Tree({key: child.value for key, child in entries.items()}, location, entries)
        if isinstance(node, yaml.SequenceNode):
            items = [self.tree(item, (*path, position)) for position, item in enumerate(node.value)]
            children: dict[Key, Tree] = {
                position: replace(tree, location=self._location(item))
                for position, (tree, item) in enumerate(zip(items, node.value, strict=True))
            }
            return Tree([item.value for item in items], location, children)
        return Tree(_scalar(node), location)

    def _entries(self, node: yaml.MappingNode, path: FieldPath) -> dict[Key, Tree]:
        entries: dict[Key, Tree] = {}
        merged: dict[Key, Tree] = {}
        for key_node, value_node in node.value:
            location = self._location(key_node)
            if _is_merge(key_node):
                merged = {**self._merged(value_node, path), **merged}
                continue
            key = _scalar(key_node) if isinstance(key_node, yaml.ScalarNode) else None
            if not isinstance(key, str | int) or isinstance(key, bool):
                found = f"{_description(key_node)} as a key"
                self._report(location, path, found, "allowed: names and frame numbers")
            elif key in entries:
                line = entries[key].location.line
                found = f"already written on line {line}" if line else "written twice"
                self._report(location, (*path, key), found, "allowed: each key once")
            else:
                entries[key] = replace(self.tree(value_node, (*path, key)), location=location)
        return {**merged, **entries}

    def _merged(self, node: yaml.Node, path: FieldPath) -> dict[Key, Tree]:
        sources = node.value if isinstance(node, yaml.SequenceNode) else [node]
        merged: dict[Key, Tree] = {}
        for source in sources:
            if isinstance(source, yaml.MappingNode):
                merged = {**self.tree(source, path).children, **merged}
            else:
                found = "a merge key (<<) with a value that is not a map"
                self._report(self._location(source), path, found, "allowed: a map, or a list of maps")
        return merged

    def _report(self, location: Location, path: FieldPath, found: str, allowed: str) -> None:
        problem = Problem(where=str(location), path=dotted(path), found=found, allowed=allowed)
        self.problems.append((location, problem))

    def _location(self, node: yaml.Node) -> Location:
        return _location_of(node.start_mark, self._locate)


def _is_merge(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and not node.style and node.value == "<<"


def _scalar(node: Any) -> str | int | float | bool | None:
    """Return the value of a scalar; quoted ones are strings."""
    text: str = node.value
    return text if node.style else plain_scalar(text)


def _description(node: yaml.Node) -> str:
    if isinstance(node, yaml.ScalarNode):
        return node.value or "null"
    return "a map" if isinstance(node, yaml.MappingNode) else "a list"
