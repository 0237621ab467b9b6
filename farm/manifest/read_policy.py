"""What a manifest may have read beside itself: anything that its author names, or only what was allowed."""

from __future__ import annotations

import fnmatch
import os
from dataclasses import dataclass
from pathlib import Path

from farm.manifest.sources import is_hub_id

_OF_PATHS = ("/", "~", "./", "../")
"""Patterns that begin so are of paths, others of hub ids."""


@dataclass(frozen=True, slots=True)
class ReadPolicy:
    """What manifests may have read.

    `inputs` are folders whose files they may name, beside those below each manifest's own folder; None for any file.
    `models` are patterns of the checkpoints that they may name; None for any that a hub has, and any whose files they
    may name. Shipped checkpoints are always allowed. What counts of a path is where it leads once every link is
    followed, and nothing here tells whether anything is there.
    """

    inputs: tuple[str, ...] | None = None
    models: tuple[str, ...] | None = None

    def allows_file(self, path: Path, base: Path) -> bool:
        """Tell whether a manifest in the folder `base` may have the file or folder at `path` read."""
        return self.inputs is None or self.is_below_roots(path, base)

    def allows_model(self, pretrained: str, revision: str | None, base: Path) -> bool:
        """Tell whether a manifest in the folder `base` may have this checkpoint read; `pretrained` is not shipped."""
        try:
            path = base / Path(pretrained).expanduser()
        except RuntimeError:  # there is no home folder of that user
            return False
        of_hub = revision is not None and is_hub_id(pretrained) and not os.path.lexists(path)
        if self.models is None:
            return of_hub or self._allows_folder(path, base)
        if of_hub:
            return any(
                fnmatch.fnmatchcase(name, pattern)
                for name in (pretrained, f"{pretrained}@{revision}")
                for pattern in self.models
                if not pattern.startswith(_OF_PATHS)
            )
        return self._allows_folder(path, base)

    def is_below_roots(self, path: Path, base: Path) -> bool:
        """Tell whether a path leads below `base`, or below one of the folders of `inputs`."""
        real = _real(path)
        roots = (base, *map(Path, self.inputs or ()))
        return any(_is_below(real, _real(root)) for root in roots)

    def _allows_folder(self, path: Path, base: Path) -> bool:
        """Tell it of a checkpoint's file, or of its folder and every link in that."""
        return self._allows_path(path, base) and all(self._allows_path(link, base) for link in _links(path))

    def _allows_path(self, path: Path, base: Path) -> bool:
        if self.models is None:
            return self.allows_file(path, base)
        real = _real(path)
        patterns = [_real(Path(pattern)) for pattern in self.models if pattern.startswith(_OF_PATHS)]
        return any(fnmatch.fnmatchcase(real, pattern) for pattern in patterns)


ANYTHING = ReadPolicy()
"""For a manifest that the user names: its author is trusted to read as the user."""

BELOW_THE_MANIFEST = ReadPolicy(inputs=())
"""For manifests of others: hub ids, shipped checkpoints, and files below the manifest's own folder."""


def _real(path: Path) -> str:
    """Return the absolute path that a path leads to."""
    try:
        return os.path.realpath(path.expanduser())
    except (RuntimeError, ValueError, OSError):  # no such user, a null byte, a loop of links
        return str(path)


def _is_below(real: str, root: str) -> bool:
    return real == root or real.startswith(f"{root.rstrip('/')}/")


def _links(folder: Path) -> list[Path]:
    """Return the links below a folder; none of them is followed."""
    return [
        place
        for outer, folders, files in os.walk(folder)
        for name in (*folders, *files)
        if (place := Path(outer, name)).is_symlink()
    ]
