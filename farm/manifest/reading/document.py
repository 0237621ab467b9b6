"""A manifest with the memory of where each field was written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path as FilePath

from farm.errors import ManifestError, Problem
from farm.manifest.read_policy import ANYTHING, ReadPolicy
from farm.manifest.reading.overrides import Override
from farm.manifest.reading.places import Path, Place, dotted
from farm.manifest.reading.yaml_tree import Tree
from farm.manifest.schema import Manifest


@dataclass(frozen=True, slots=True)
class Origin:
    """Where fields come from: the file, or the overrides laid over it."""

    tree: Tree
    overrides: Sequence[Override] = ()

    def place(self, path: Path) -> Place:
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

    def problem(self, path: Path, found: str, allowed: str, hint: str = "") -> Problem:
        """Returns a mistake at the place of a field."""
        where = str(self.place(path))
        return Problem(where=where, path=dotted(path), found=found, allowed=allowed, hint=hint)


def _shared(one: Path, other: Path) -> int:
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
    path: FilePath
    origin: Origin = field(repr=False)
    reads: ReadPolicy = ANYTHING

    @property
    def folder(self) -> FilePath:
        """What relative paths in the manifest are relative to."""
        return self.path.parent

    def problem(self, path: Path, found: str, allowed: str, hint: str = "") -> Problem:
        """Returns a mistake at the place of a field, or of its nearest ancestor if it is not written."""
        return self.origin.problem(path, found, allowed, hint)

    def error(self, path: Path, found: str, allowed: str, hint: str = "") -> ManifestError:
        """Returns an error with this one problem."""
        return ManifestError([self.problem(path, found, allowed, hint)])
