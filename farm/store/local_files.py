"""Files on a local or mounted disk: a sibling temporary file, fsync, rename."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from farm.store.durable import TEMPORARY, make_folder, sibling, sync
from farm.store.faults import disk_errors
from farm.store.file_lock import locked

_LARGEST = 2**30
"""Bytes: no frame and no part of the ledger comes near it."""


class LocalFiles:
    """The files below the folder `root`, by their names relative to it."""

    in_process = False

    def __init__(self, root: str) -> None:
        self.url = root.rstrip("/") or "/"

    def path(self, name: str) -> str:
        """Return the full path of a file."""
        return f"{self.url.rstrip('/')}/{name}"

    def find(self, name: str) -> bytes | None:
        """Return a whole file, or None if it is not there."""
        with self._errors("read", name), contextlib.suppress(FileNotFoundError):
            return _read(self.path(name))
        return None

    def read(self, name: str) -> bytes:
        """Return a whole file."""
        with self._errors("read", name):
            return _read(self.path(name))

    def write(self, name: str, data: bytes) -> None:
        """Write a whole file."""
        with self.writing(name) as temporary:
            temporary.write_bytes(data)

    @contextlib.contextmanager
    def writing(self, name: str) -> Iterator[Path]:
        """Give the path of a temporary file that becomes the file `name` at the end."""
        with self._errors("write", name), sibling(self._target(name)) as (temporary, target):
            yield temporary
            sync(temporary)
            temporary.replace(target)
            sync(target.parent)

    def swap(self, name: str, old: bytes | None, new: bytes | None) -> bool:
        """Put `new` in the place of `old`, under a lock: exact wherever the file system knows flock."""
        with self._errors("write", name), locked(self._target(name)):
            if self.find(name) != old:
                return False
            if new is None:
                self.remove(name)
            elif old is not None:
                self.write(name, new)
            else:
                return self._create(name, new)
            return True

    def entries(self, folder: str, kind: str) -> list[str]:
        """Return the names of what is directly in `folder`: of each `file`, or of each `directory`; no links."""
        with (
            self._errors("list", folder),
            contextlib.suppress(FileNotFoundError),
            os.scandir(self.path(folder)) as found,
        ):
            return sorted(entry.name for entry in found if _kind(entry) == kind)
        return []

    def exists(self, name: str) -> bool:
        """Tell whether the file is there."""
        with self._errors("read", name):
            return Path(self.path(name)).exists()

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""
        with self._errors("remove", name):
            Path(self.path(name)).unlink(missing_ok=True)

    def remove_tree(self, folder: str) -> None:
        """Remove a folder and all that is in it, if it is there."""
        with self._errors("remove", folder), contextlib.suppress(FileNotFoundError):
            shutil.rmtree(self.path(folder))

    def sweep(self) -> None:
        """Remove the temporary files of killed runs."""
        with self._errors("clean", ""):
            for leftover in Path(self.url).rglob(f"{TEMPORARY}*"):
                leftover.unlink(missing_ok=True)

    def _create(self, name: str, data: bytes) -> bool:
        """Write a file that must not be there; a link is exact on every file system."""
        with sibling(self._target(name)) as (temporary, target):
            temporary.write_bytes(data)
            sync(temporary)
            try:
                os.link(temporary, target)
            except FileExistsError:
                return False
            sync(target.parent)
        return True

    def _target(self, name: str) -> Path:
        target = Path(self.path(name))
        make_folder(target.parent)
        return target

    def _errors(self, verb: str, name: str) -> contextlib.AbstractContextManager[None]:
        path = self.path(name)
        return disk_errors(verb, path.rstrip("/"), Path(path).parent)


def _kind(entry: os.DirEntry[str]) -> str:
    if entry.is_dir(follow_symlinks=False):
        return "directory"
    return "file" if entry.is_file(follow_symlinks=False) else ""


def _read(path: str) -> bytes:
    """Return a file's bytes; a pipe is not waited for, and what is too large for any file of a job is not read."""
    with open(path, "rb", opener=lambda path, flags: os.open(path, flags | os.O_NONBLOCK)) as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise OSError(errno.EINVAL, "it is no regular file")
        if found.st_size > _LARGEST:
            raise OSError(errno.EFBIG, f"it has {found.st_size} bytes, more than any file of a job")
        return file.read()
