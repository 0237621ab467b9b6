"""Read YAML 1.2 into plain values with their locations, and refuse what a manifest never needs."""

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
"""Longer ones stay texts: no field takes them, and Python refuses to print very long ones."""

_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_DIGITS = re.compile(r"[-+]?[0-9]+")
_LONGEST = 400
_WORDS: dict[str, bool | float | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), math.inf),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
}


def plain_scalar(text: str) -> str | int | float | bool | None:
    """Returns what an unquoted scalar means (YAML 1.2.2, section 10.3.2)."""
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text, {"o": 8, "x": 16}.get(text[1:2], 10))
    if len(text) <= _LONGEST and _FLOAT.fullmatch(text) and not _DIGITS.fullmatch(text):
        return float(text)
    return text


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

Locate = Callable[[int, int], Location]
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


def place_of(mark: Any, locate: Locate) -> Location:
    """Returns a mark of PyYAML's (its C or its Python one) as a place; PyYAML counts from 0."""
    return locate(mark.line + 1, mark.column + 1) if mark else locate(1, 1)


def _refusal(place: Location, found: str, allowed: str, hint: str = "") -> ManifestError:
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


@dataclass(frozen=True, slots=True)
class Tree:
    """A plain value, where it is written (its key, where it has one), and what it holds."""

    value: object
    place: Location
    children: Mapping[Key, Tree] = field(default_factory=dict)

    def nearest(self, path: FieldPath) -> tuple[Location, int]:
        """Returns the place of a field, or of its nearest existing ancestor, and the latter's depth."""
        tree = self
        for depth, key in enumerate(path):
            child = tree.children.get(key)
            if child is None:
                return tree.place, depth
            tree = child
        return tree.place, len(path)


def read_tree(text: str, locate: Locate, path: FieldPath = ()) -> tuple[Tree, list[tuple[Location, Problem]]]:
    """Returns what the text says, and what is wrong in its keys; `path` is the field it is written for.

    An empty text is null. Of a key written twice, the first is kept.

    Raises:
        ManifestError: not YAML, or YAML that no manifest needs.
    """
    root = compose(text, locate)
    if root is None:
        return Tree(None, locate(1, 1)), []
    grower = _Grower(locate)
    return grower.tree(root, path), grower.problems


class _Grower:
    def __init__(self, locate: Locate) -> None:
        self._locate = locate
        self._grown: dict[int, Tree] = {}
        self.problems: list[tuple[Location, Problem]] = []

    def tree(self, node: yaml.Node, path: FieldPath) -> Tree:
        if id(node) not in self._grown:
            self._grown[id(node)] = self._grow(node, path)
        return self._grown[id(node)]

    def _grow(self, node: yaml.Node, path: FieldPath) -> Tree:
        if isinstance(node, yaml.MappingNode):
            entries = self._entries(node, path)
            return Tree({key: child.value for key, child in entries.items()}, self._place(node), entries)
        if isinstance(node, yaml.SequenceNode):
            items = [self.tree(item, (*path, position)) for position, item in enumerate(node.value)]
            placed: dict[Key, Tree] = {
                position: replace(tree, place=self._place(item))
                for position, (tree, item) in enumerate(zip(items, node.value, strict=True))
            }
            return Tree([item.value for item in items], self._place(node), placed)
        return Tree(_scalar(node), self._place(node))

    def _entries(self, node: yaml.MappingNode, path: FieldPath) -> dict[Key, Tree]:
        entries: dict[Key, Tree] = {}
        merged: dict[Key, Tree] = {}
        for key_node, value_node in node.value:
            place = self._place(key_node)
            if _is_merge(key_node):
                merged = {**self._merged(value_node, path), **merged}
                continue
            key = _scalar(key_node) if isinstance(key_node, yaml.ScalarNode) else None
            if not isinstance(key, str | int) or isinstance(key, bool):
                self._tell(place, path, f"{_words(key_node)} as a key", "allowed: names and frame numbers")
            elif key in entries:
                line = entries[key].place.line
                found = f"already written on line {line}" if line else "written twice"
                self._tell(place, (*path, key), found, "allowed: each key once")
            else:
                entries[key] = replace(self.tree(value_node, (*path, key)), place=place)
        return {**merged, **entries}

    def _merged(self, node: yaml.Node, path: FieldPath) -> dict[Key, Tree]:
        sources = node.value if isinstance(node, yaml.SequenceNode) else [node]
        merged: dict[Key, Tree] = {}
        for source in sources:
            if isinstance(source, yaml.MappingNode):
                merged = {**self.tree(source, path).children, **merged}
            else:
                self._tell(
                    self._place(source), path, "<< of what is no map", "allowed: a map, or a list of maps"
                )
        return merged

    def _tell(self, place: Location, path: FieldPath, found: str, allowed: str) -> None:
        problem = Problem(where=str(place), path=dotted(path), found=found, allowed=allowed)
        self.problems.append((place, problem))

    def _place(self, node: yaml.Node) -> Location:
        return place_of(node.start_mark, self._locate)


def _is_merge(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and not node.style and node.value == "<<"


def _scalar(node: Any) -> str | int | float | bool | None:
    """Only unquoted scalars have a type."""
    text: str = node.value
    return text if node.style else plain_scalar(text)


def _words(node: yaml.Node) -> str:
    if isinstance(node, yaml.ScalarNode):
        return node.value or "null"
    return "a map" if isinstance(node, yaml.MappingNode) else "a list"
