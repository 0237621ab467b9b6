"""The files and checkpoints that a manifest may name: all of them, or only allowed ones."""

from __future__ import annotations

import fnmatch
import os
from dataclasses import dataclass
from pathlib import Path

from farm.manifest.sources import is_hub_id

_PATH_PREFIXES = ("/", "~", "./", "../")
"""Patterns that begin with one of these match paths, all others hub ids."""


@dataclass(frozen=True, slots=True)
class ReadPolicy:
    """Limits what manifests may read.

    `inputs` are folders whose files manifests may name, in addition to those below each manifest's own folder; None
    allows all files. `models` are patterns of the checkpoints that manifests may name; None allows all hub ids, and
    local checkpoints whose files are allowed. Shipped checkpoints are always allowed. Paths are compared with all
    links resolved, and no method reveals whether a file exists.
    """

    inputs: tuple[str, ...] | None = None
    models: tuple[str, ...] | None = None

    def allows_file(self, path: Path, base: Path) -> bool:
        """Return whether a manifest in the folder `base` may name the file or folder `path`."""
        return self.inputs is None or self.is_below_roots(path, base)

    def allows_model(self, pretrained: str, revision: str | None, base: Path) -> bool:
        """Return whether a manifest in the folder `base` may name a checkpoint that is not shipped."""
        try:
            path = base / Path(pretrained).expanduser()
        except RuntimeError:  # no such user's home folder
            return False
        is_on_hub = revision is not None and is_hub_id(pretrained) and not os.path.lexists(path)
        if self.models is None:
            return is_on_hub or self._allows_folder(path, base)
        if is_on_hub:
            return any(
                fnmatch.fnmatchcase(name, pattern)
                for name in (pretrained, f"{pretrained}@{revision}")
                for pattern in self.models
                if not pattern.startswith(_PATH_PREFIXES)
            )
        return self._allows_folder(path, base)

    def is_below_roots(self, path: Path, base: Path) -> bool:
        """Return whether a path, with all links resolved, is below `base` or one of the folders in `inputs`."""
        real = _real(path)
        roots = (base, *map(Path, self.inputs or ()))
        return any(_is_below(real, _real(root)) for root in roots)

    def _allows_folder(self, path: Path, base: Path) -> bool:
        """Return whether a checkpoint's file, or its folder with all links in it, is allowed."""
        return self._allows_path(path, base) and all(self._allows_path(link, base) for link in _links(path))

    def _allows_path(self, path: Path, base: Path) -> bool:
        if self.models is None:
            return self.allows_file(path, base)
        real = _real(path)
        patterns = [_real(Path(pattern)) for pattern in self.models if pattern.startswith(_PATH_PREFIXES)]
        return any(fnmatch.fnmatchcase(real, pattern) for pattern in patterns)


ANYTHING = ReadPolicy()
"""For manifests chosen by the user, whose authors are trusted to read the user's files."""

BELOW_THE_MANIFEST = ReadPolicy(inputs=())
"""For untrusted manifests: hub ids, shipped checkpoints, and files below the manifest's own folder."""


def _real(path: Path) -> str:
    """Return the absolute path with all links resolved."""
    try:
        return os.path.realpath(path.expanduser())
    except (RuntimeError, ValueError, OSError):  # no such user, a null byte, a loop of links
        return str(path)


def _is_below(real: str, root: str) -> bool:
    return real == root or real.startswith(f"{root.rstrip('/')}/")


def _links(folder: Path) -> list[Path]:
    """Return the links below a folder, without following any."""
    return [
        path
        for outer, folders, files in os.walk(folder)
        for name in (*folders, *files)
        if (path := Path(outer, name)).is_symlink()
    ]
