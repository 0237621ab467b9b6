"""Files on a local or mounted disk: a temporary file, fsync, rename; nothing is opened through a link."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path

from farm.store.directory import Directory, opened
from farm.store.faults import disk_errors
from farm.store.file_lock import locked

LARGEST = 256 * 2**20
"""Bytes: no frame, which has up to 8192x8192 pixels, and no table comes near it."""
_FARMS_OWN = ".farm"
"""The folder of a job that is the farm's own: where a root lies in one, links are followed down to it only."""


class LocalFiles:
    """The files below the folder `root`, by their names relative to it.

    The user chose `root`, which may be a link itself; no component of a name may be one.
    """

    in_process = False

    def __init__(self, root: str) -> None:
        self.url = root.rstrip("/") or "/"
        chosen, *inner = self.url.split(f"/{_FARMS_OWN}/", maxsplit=1)
        self._root = chosen or "/"
        self._inner = [_FARMS_OWN, *inner[0].split("/")] if inner else []

    def path(self, name: str) -> str:
        """Return the full path of a file."""
        return f"{self.url.rstrip('/')}/{name}"

    def find(self, name: str, most: int) -> bytes | None:
        """Return a whole file of at most so many bytes, or None if it is not there."""
        with (
            self._errors("read", name),
            contextlib.suppress(FileNotFoundError),
            self._around(name) as (folder, file),
        ):
            return folder.read(file, most)
        return None

    def read(self, name: str, most: int) -> bytes:
        """Return a whole file of at most so many bytes."""
        with self._errors("read", name), self._around(name) as (folder, file):
            return folder.read(file, most)

    def write(self, name: str, data: bytes) -> None:
        """Write a whole file."""
        with self._errors("write", name), self._around(name, make=True) as (folder, file):
            folder.write(file, data)

    @contextlib.contextmanager
    def writing(self, name: str) -> Iterator[Path]:
        """Give the path of a temporary file that becomes the file `name` at the end."""
        with (
            self._errors("write", name),
            self._around(name, make=True) as (folder, file),
            folder.writing(file) as temporary,
        ):
            yield temporary

    def swap(self, name: str, old: bytes | None, new: bytes | None) -> bool:
        """Put `new` in the place of `old`, under a lock: exact wherever the file system knows flock."""
        with (
            self._errors("write", name),
            self._around(name, make=True) as (folder, file),
            locked(folder, file),
        ):
            if _found(folder, file) != old:
                return False
            if new is None:
                folder.remove(file)
            elif old is not None:
                folder.write(file, new)
            else:
                return folder.create(file, new)
            return True

    def entries(self, folder: str, kind: str) -> list[str]:
        """Return the names of what is directly in `folder`: of each `file`, or of each `directory`; no links."""
        with (
            self._errors("list", folder),
            contextlib.suppress(FileNotFoundError),
            opened(self._root, self._parts(folder)) as there,
        ):
            return sorted(entry.name for entry in there.entries() if _kind(entry) == kind)
        return []

    def exists(self, name: str) -> bool:
        """Tell whether the file is there, or a link in its place, which is not read."""
        with (
            self._errors("read", name),
            contextlib.suppress(FileNotFoundError),
            self._around(name) as (folder, file),
        ):
            folder.status(file)
            return True
        return False

    def remove(self, name: str) -> None:
        """Remove a file, if it is there; of a link itself."""
        with (
            self._errors("remove", name),
            contextlib.suppress(FileNotFoundError),
            self._around(name) as (folder, file),
        ):
            folder.remove(file)

    def remove_tree(self, folder: str) -> None:
        """Remove a folder and all that is in it, if it is there."""
        with (
            self._errors("remove", folder),
            contextlib.suppress(FileNotFoundError),
            self._around(folder) as (outer, name),
        ):
            outer.remove_tree(name)

    def sweep(self) -> None:
        """Remove the temporary files of killed runs."""
        with (
            self._errors("clean", ""),
            contextlib.suppress(FileNotFoundError),
            opened(self._root, self._inner) as folder,
        ):
            folder.sweep()

    @contextlib.contextmanager
    def _around(self, name: str, *, make: bool = False) -> Iterator[tuple[Directory, str]]:
        """Give the folder that a file is in, open, and the file's name in it."""
        *folders, file = self._parts(name)
        with opened(self._root, folders, make=make) as folder:
            yield folder, file

    def _parts(self, name: str) -> list[str]:
        """Return the names on the way from the chosen root to a file or folder."""
        parts = name.split("/") if name else []
        if any(part in ("", ".", "..") for part in parts):
            raise OSError(errno.EINVAL, "it is no name of a file below this folder")
        return [*self._inner, *parts]

    def _errors(self, verb: str, name: str) -> contextlib.AbstractContextManager[None]:
        path = self.path(name)
        return disk_errors(verb, path.rstrip("/"), Path(path).parent)


def _found(folder: Directory, file: str) -> bytes | None:
    with contextlib.suppress(FileNotFoundError):
        return folder.read(file, LARGEST)
    return None


def _kind(entry: os.DirEntry[str]) -> str:
    if entry.is_dir(follow_symlinks=False):
        return "directory"
    return "file" if entry.is_file(follow_symlinks=False) else ""
