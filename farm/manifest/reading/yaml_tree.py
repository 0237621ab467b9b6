"""PyYAML nodes to plain Python values, each with its place. Merge keys and aliases are resolved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import yaml

from farm.errors import Problem
from farm.manifest.reading.places import Key, Path, Place, dotted
from farm.manifest.reading.yaml_nodes import Locate, compose, place_of
from farm.manifest.reading.yaml_scalars import plain_scalar


@dataclass(frozen=True, slots=True)
class Tree:
    """A plain value, where it is written (its key, where it has one), and what it holds."""

    value: object
    place: Place
    children: Mapping[Key, Tree] = field(default_factory=dict)

    def nearest(self, path: Path) -> tuple[Place, int]:
        """Returns the place of a field, or of its nearest existing ancestor, and the latter's depth."""
        tree = self
        for depth, key in enumerate(path):
            child = tree.children.get(key)
            if child is None:
                return tree.place, depth
            tree = child
        return tree.place, len(path)


def read_tree(text: str, locate: Locate, path: Path = ()) -> tuple[Tree, list[tuple[Place, Problem]]]:
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
        self.problems: list[tuple[Place, Problem]] = []

    def tree(self, node: yaml.Node, path: Path) -> Tree:
        if id(node) not in self._grown:
            self._grown[id(node)] = self._grow(node, path)
        return self._grown[id(node)]

    def _grow(self, node: yaml.Node, path: Path) -> Tree:
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

    def _entries(self, node: yaml.MappingNode, path: Path) -> dict[Key, Tree]:
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

    def _merged(self, node: yaml.Node, path: Path) -> dict[Key, Tree]:
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

    def _tell(self, place: Place, path: Path, found: str, allowed: str) -> None:
        problem = Problem(where=str(place), path=dotted(path), found=found, allowed=allowed)
        self.problems.append((place, problem))

    def _place(self, node: yaml.Node) -> Place:
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
