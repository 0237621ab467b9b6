"""Open directories and operations on their entries by name; below the first directory, no link is followed.

The kernel ensures this: each component of a path is opened relative to the previous one, with O_NOFOLLOW (openat(2)),
so that even a link created between a check and its use is not followed.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import stat
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

TEMPORARY = ".tmp-"
"""The prefix of temporary file names."""

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_OPEN_FILES = Path("/proc/self/fd")


class Directory:
    """An open directory; names are those of its entries. `path` appears in messages."""

    def __init__(self, handle: int, path: str) -> None:
        self._handle = handle
        self._path = path

    @classmethod
    def open(cls, path: str, *, make: bool = False) -> Self:
        """Open a directory that the user chose, following links in its path; `make` it if it is missing.

        Raises:
            OSError: when it cannot be opened, or is not a directory.
        """
        try:
            return cls(os.open(path, _DIRECTORY), path)
        except FileNotFoundError:
            if not make:
                raise
        _make(Path(path))
        return cls(os.open(path, _DIRECTORY), path)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._handle)

    def enter(self, name: str, *, make: bool = False) -> Directory:
        """Open a directory in this one, which must not be a link; `make` it if it is missing.

        Raises:
            OSError: when it cannot be opened, is a link, or is not a directory.
        """
        try:
            handle = self._opened(name, _DIRECTORY)
        except FileNotFoundError:
            if not make:
                raise
            with contextlib.suppress(FileExistsError):
                os.mkdir(name, dir_fd=self._handle)
                os.fsync(self._handle)
            handle = self._opened(name, _DIRECTORY)
        return Directory(handle, self._at(name))

    def read(self, name: str, max_bytes: int) -> bytes:
        """Return the content of a regular file of at most `max_bytes`; a pipe does not block.

        Raises:
            OSError: when it is not such a file, or cannot be read.
        """
        handle = self._opened(name, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            status = os.fstat(handle)
            if not stat.S_ISREG(status.st_mode):
                raise OSError(errno.EINVAL, "it is not a regular file")
            if status.st_size > max_bytes:
                raise OSError(errno.EFBIG, f"it has {status.st_size} bytes, at most {max_bytes} are allowed")
            with os.fdopen(handle, "rb", closefd=False) as file:
                return file.read(status.st_size)
        finally:
            os.close(handle)

    def write(self, name: str, data: bytes, *, durable: bool = True) -> None:
        """Write a file atomically: a temporary file, fsync if `durable`, rename.

        Raises:
            OSError: when it cannot be written; then no part of it is visible.
        """
        with self._written(name, data, durable=durable) as temporary:
            os.rename(temporary, name, src_dir_fd=self._handle, dst_dir_fd=self._handle)
            if durable:
                os.fsync(self._handle)

    def create(self, name: str, data: bytes) -> bool:
        """Write a new file, or return False if it exists; a hard link makes this exact on every file system.

        Raises:
            OSError: when it cannot be written.
        """
        with self._written(name, data) as temporary:
            try:
                os.link(
                    temporary,
                    name,
                    src_dir_fd=self._handle,
                    dst_dir_fd=self._handle,
                    follow_symlinks=False,
                )
            except FileExistsError:
                return False
            os.fsync(self._handle)
        return True

    @contextlib.contextmanager
    def writing(self, name: str) -> Iterator[Path]:
        """Provide a path for an encoder, whose file becomes `name` at the end of the block.

        The path is in a temporary directory that other users cannot enter, so that they cannot create a link in it.

        Raises:
            OSError: when it cannot be written; then no part of it is visible.
        """
        folder = f"{TEMPORARY}{uuid.uuid4().hex}"
        os.mkdir(folder, 0o700, dir_fd=self._handle)
        try:
            with self.enter(folder) as private:
                yield private._local_path() / name
                handle = private._opened(name, os.O_RDONLY | os.O_CLOEXEC)
                try:
                    os.fsync(handle)
                finally:
                    os.close(handle)
                os.rename(name, name, src_dir_fd=private._handle, dst_dir_fd=self._handle)
                os.fsync(self._handle)
        finally:
            self.remove_tree(folder)

    def entries(self) -> Iterator[os.DirEntry[str]]:
        """Yield the entries, to be queried only while the directory is open, and without following links."""
        with os.scandir(self._handle) as entries:
            yield from entries

    def status(self, name: str) -> os.stat_result:
        """Return the status of an entry, or of a link itself.

        Raises:
            OSError: when it does not exist.
        """
        return os.stat(name, dir_fd=self._handle, follow_symlinks=False)

    def touch(self, name: str) -> None:
        """Set the modification time of a file to now.

        Raises:
            OSError: when it cannot be set.
        """
        os.utime(name, dir_fd=self._handle, follow_symlinks=False)

    def remove(self, name: str) -> None:
        """Remove a file, or a link itself, if it exists.

        Raises:
            OSError: when it cannot be removed.
        """
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name, dir_fd=self._handle)

    def remove_tree(self, name: str) -> None:
        """Remove a directory and its content, if it exists.

        Raises:
            OSError: when it cannot be removed, or is a link.
        """
        with contextlib.suppress(FileNotFoundError), _depth_errors():
            shutil.rmtree(name, dir_fd=self._handle)

    def sweep(self) -> None:
        """Remove all temporary files and directories, at any depth.

        Raises:
            OSError: when one cannot be removed.
        """
        with _depth_errors():
            for _, folders, files, handle in os.fwalk(".", dir_fd=self._handle, follow_symlinks=False):
                inside = Directory(handle, self._path)
                for name in [name for name in (*folders, *files) if name.startswith(TEMPORARY)]:
                    if stat.S_ISDIR(inside.status(name).st_mode):
                        folders.remove(name)
                        inside.remove_tree(name)
                    else:
                        inside.remove(name)

    def rename(self, name: str, new_name: str) -> None:
        """Rename a file, or a link itself, replacing any entry with the new name.

        Raises:
            OSError: when it cannot be renamed.
        """
        os.rename(name, new_name, src_dir_fd=self._handle, dst_dir_fd=self._handle)

    def open_file(self, name: str, flags: int) -> int:
        """Open a file, which must not be a link, and return its descriptor; a new file follows the umask.

        Raises:
            OSError: when it cannot be opened, or is a link.
        """
        return self._opened(name, flags | os.O_CLOEXEC)

    @contextlib.contextmanager
    def _written(self, name: str, data: bytes, *, durable: bool = True) -> Iterator[str]:
        """Provide the name of a temporary file with this content, and remove it at the end of the block."""
        temporary = f"{TEMPORARY}{uuid.uuid4().hex}{Path(name).suffix}"
        try:
            handle = self._opened(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC)
            with os.fdopen(handle, "wb", buffering=0) as file:
                view = memoryview(data)
                while view:
                    view = view[file.write(view) :]
                if durable:
                    os.fsync(handle)
            yield temporary
        finally:
            self.remove(temporary)

    def _opened(self, name: str, flags: int) -> int:
        try:
            return os.open(name, flags | os.O_NOFOLLOW, 0o666, dir_fd=self._handle)
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.ENOTDIR, errno.EMLINK) and self._is_link(name):
                raise OSError(
                    errno.ELOOP, f"{self._at(name)} is a symbolic link; links are not followed here"
                ) from None
            raise

    def _is_link(self, name: str) -> bool:
        try:
            return stat.S_ISLNK(self.status(name).st_mode)
        except OSError:
            return False

    def _at(self, name: str) -> str:
        return f"{self._path.rstrip('/')}/{name}"

    def _local_path(self) -> Path:
        """Return a path to this directory that remains valid even if another directory gets its name."""
        link = _OPEN_FILES / str(self._handle)
        return link if link.is_dir() else Path(self._path)


@contextlib.contextmanager
def _depth_errors() -> Iterator[None]:
    """Turn the RecursionError of a walk through deeply nested folders into an OSError."""
    try:
        yield
    except RecursionError as error:
        raise OSError(errno.ENAMETOOLONG, "its folders are nested too deeply") from error


@contextlib.contextmanager
def opened(root: str, below: Sequence[str] = (), *, make: bool = False) -> Iterator[Directory]:
    """Open the directory at the path `below` a `root` that the user chose; `make` missing directories.

    Raises:
        OSError: when it cannot be opened, or a component below `root` is a link.
    """
    directory = Directory.open(root, make=make)
    for name in below:
        with directory as outer:
            directory = outer.enter(name, make=make)
    with directory:
        yield directory


def _make(folder: Path) -> None:
    """Make a directory and its missing parents durably."""
    if not folder.is_dir():
        _make(folder.parent)
        folder.mkdir(exist_ok=True)
        handle = os.open(folder.parent, _DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
