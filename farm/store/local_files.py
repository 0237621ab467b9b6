"""Files on a local or mounted disk, written by temporary file, fsync and rename; nothing is opened through a link.

Atomic writes are implemented here because they are relative to an open directory: libraries take paths, whose
components could be replaced by links.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from farm.store.directory import Directory, opened
from farm.store.retries import disk_errors

MAX_FILE_BYTES = 256 * 2**20
"""Far larger than any table, and any frame of up to 8192x8192 pixels."""
_FARM = ".farm"
"""The farm's own folder in a job's folder: for a root inside it, links are followed only up to the job's folder."""
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)
_APPEND = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NONBLOCK
_LOCK_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NONBLOCK


class LocalFiles:
    """The files below the folder `root`, by names relative to it.

    `root`, chosen by the user, may be a link; no component of a name may be one.
    """

    in_process = False

    def __init__(self, root: str) -> None:
        self.url = root.rstrip("/") or "/"
        chosen, *inner = self.url.split(f"/{_FARM}/", maxsplit=1)
        self._root = chosen or "/"
        self._inner = [_FARM, *inner[0].split("/")] if inner else []

    def path(self, name: str) -> str:
        """Return the full path of a file."""
        return f"{self.url.rstrip('/')}/{name}"

    def find(self, name: str, max_bytes: int) -> bytes | None:
        """Return the content of a file of at most `max_bytes`, or None if it is missing."""
        with (
            self._errors("read", name),
            contextlib.suppress(FileNotFoundError),
            self._parent(name) as (folder, file),
        ):
            return folder.read(file, max_bytes)
        return None

    def read(self, name: str, max_bytes: int) -> bytes:
        """Return the content of a file of at most `max_bytes`."""
        with self._errors("read", name), self._parent(name) as (folder, file):
            return folder.read(file, max_bytes)

    def write(self, name: str, data: bytes) -> None:
        """Write a file atomically."""
        with self._errors("write", name), self._parent(name, make=True) as (folder, file):
            folder.write(file, data)

    @contextlib.contextmanager
    def writing(self, name: str) -> Iterator[Path]:
        """Provide the path of a temporary file that becomes `name` at the end of the block."""
        with (
            self._errors("write", name),
            self._parent(name, make=True) as (folder, file),
            folder.writing(file) as temporary,
        ):
            yield temporary

    def compare_and_swap(self, name: str, old: bytes | None, new: bytes | None) -> bool:
        """Replace `old` with `new` under a lock; exact on every file system that supports flock."""
        with (
            self._errors("write", name),
            self._parent(name, make=True) as (folder, file),
            _locked(folder, file),
        ):
            if _find(folder, file) != old:
                return False
            if new is None:
                folder.remove(file)
            elif old is not None:
                folder.write(file, new)
            else:
                return folder.create(file, new)
            return True

    def open_append(self, name: str) -> BinaryIO:
        """Open a regular file, unbuffered, to append complete lines to it; create it if it is missing."""
        with self._errors("write", name), self._parent(name, make=True) as (folder, file):
            handle = folder.open_file(file, _APPEND)
            log = os.fdopen(handle, "r+b", buffering=0)
            try:
                _check_regular(handle)
                size = log.seek(0, os.SEEK_END)
                if size and os.pread(handle, 1, size - 1) != b"\n":  # an incomplete write
                    log.write(b"\n")
            except BaseException:
                log.close()
                raise
            return log

    def rename(self, name: str, new_name: str) -> None:
        """Rename a file within its folder, replacing any file with the new name."""
        with self._errors("rename", name), self._parent(name) as (folder, file):
            folder.rename(file, new_name.rpartition("/")[2])

    def lines(self, name: str, max_line: int, max_bytes: int) -> Iterator[bytes]:
        """Yield the lines of a regular file within its first `max_bytes`; none if it is missing.

        Lines are truncated to `max_line` bytes.
        """
        with (
            self._errors("read", name),
            contextlib.suppress(FileNotFoundError),
            self._parent(name) as (folder, file),
            os.fdopen(folder.open_file(file, os.O_RDONLY | os.O_NONBLOCK), "rb") as log,
        ):
            _check_regular(log.fileno())
            is_start = True
            while max_bytes > 0 and (line := log.readline(max_line)):
                if is_start:
                    yield line
                is_start = line.endswith(b"\n")
                max_bytes -= len(line)

    def entries(self, folder: str, kind: str) -> list[str]:
        """Return the names of all entries of `kind`, `file` or `directory`, directly in `folder`, without links."""
        with (
            self._errors("list", folder),
            contextlib.suppress(FileNotFoundError),
            opened(self._root, self._parts(folder)) as directory,
        ):
            return sorted(entry.name for entry in directory.entries() if _kind(entry) == kind)
        return []

    def exists(self, name: str) -> bool:
        """Return whether the file, or a link of its name, exists."""
        with (
            self._errors("read", name),
            contextlib.suppress(FileNotFoundError),
            self._parent(name) as (folder, file),
        ):
            folder.status(file)
            return True
        return False

    def remove(self, name: str) -> None:
        """Remove a file, or a link itself, if it exists."""
        with (
            self._errors("remove", name),
            contextlib.suppress(FileNotFoundError),
            self._parent(name) as (folder, file),
        ):
            folder.remove(file)

    def remove_tree(self, folder: str) -> None:
        """Remove a folder and its content, if it exists."""
        with (
            self._errors("remove", folder),
            contextlib.suppress(FileNotFoundError),
            self._parent(folder) as (outer, name),
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
    def _parent(self, name: str, *, make: bool = False) -> Iterator[tuple[Directory, str]]:
        """Open the folder of a file; provide the folder and the file's name in it."""
        *folders, file = self._parts(name)
        with opened(self._root, folders, make=make) as folder:
            yield folder, file

    def _parts(self, name: str) -> list[str]:
        """Return the components of a file's or folder's path from the chosen root."""
        parts = name.split("/") if name else []
        if any(part in ("", ".", "..") for part in parts):
            raise OSError(errno.EINVAL, "it is not the name of a file below this folder")
        return [*self._inner, *parts]

    def _errors(self, verb: str, name: str) -> contextlib.AbstractContextManager[None]:
        path = self.path(name)
        return disk_errors(verb, path.rstrip("/"), Path(path).parent)


def _find(folder: Directory, file: str) -> bytes | None:
    with contextlib.suppress(FileNotFoundError):
        return folder.read(file, MAX_FILE_BYTES)
    return None


def _check_regular(handle: int) -> None:
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        raise OSError(errno.EINVAL, "it is not a regular file")


def _kind(entry: os.DirEntry[str]) -> str:
    if entry.is_dir(follow_symlinks=False):
        return "directory"
    return "file" if entry.is_file(follow_symlinks=False) else ""


@contextlib.contextmanager
def _locked(folder: Directory, file: str) -> Iterator[None]:
    """Exclude other processes and threads, if the file system supports flock.

    `filelock` is unsuitable: it opens its file by path, following links, and does not remove it.
    """
    name = f"{file}.lock"
    while True:
        with os.fdopen(folder.open_file(name, _LOCK_FLAGS), "ab") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX)
            except OSError as error:
                if error.errno not in _NO_LOCKS:
                    raise
            if not _is_current(lock.fileno(), folder, name):
                continue  # its former holder has removed the file, so that it no longer excludes others
            try:
                yield
            finally:
                folder.remove(name)
            return


def _is_current(handle: int, folder: Directory, name: str) -> bool:
    """Return whether an open file still has this name."""
    try:
        return os.path.samestat(os.fstat(handle), folder.status(name))
    except FileNotFoundError:
        return False
