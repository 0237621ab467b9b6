"""Open directories, and what is done in them by name: below the first one nothing is opened through a link.

The kernel holds this: each component of a path is opened relative to the one before, with O_NOFOLLOW (openat(2)), so
that a link that somebody puts there a moment after a look at it is not followed either.
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
"""What the names of temporary files begin with."""

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_OF_THIS_PROCESS = Path("/proc/self/fd")


class Directory:
    """An open directory; names are of what is directly in it. `path` is said in messages."""

    def __init__(self, handle: int, path: str) -> None:
        self._handle = handle
        self._path = path

    @classmethod
    def open(cls, path: str, *, make: bool = False) -> Self:
        """Open a directory that the user chose: links on the way to it are followed. `make` it if it is missing.

        Raises:
            OSError: when it cannot be opened, or is no directory.
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
        """Open a directory in this one, which must be no link; `make` it if it is missing.

        Raises:
            OSError: when it cannot be opened, is a link, or is no directory.
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

    def read(self, name: str, largest: int) -> bytes:
        """Return the bytes of a regular file of up to `largest` bytes; a pipe is not waited for.

        Raises:
            OSError: when it is something else, or cannot be read.
        """
        handle = self._opened(name, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            status = os.fstat(handle)
            if not stat.S_ISREG(status.st_mode):
                raise OSError(errno.EINVAL, "it is no regular file")
            if status.st_size > largest:
                raise OSError(errno.EFBIG, f"it has {status.st_size} bytes, allowed are {largest}")
            with os.fdopen(handle, "rb", closefd=False) as file:
                return file.read(status.st_size)
        finally:
            os.close(handle)

    def write(self, name: str, data: bytes, *, durable: bool = True) -> None:
        """Write a whole file: a temporary one, fsync if it is to be `durable`, rename.

        Raises:
            OSError: when it cannot be written; nothing of it is visible then.
        """
        with self._written(name, data, durable=durable) as temporary:
            os.rename(temporary, name, src_dir_fd=self._handle, dst_dir_fd=self._handle)
            if durable:
                os.fsync(self._handle)

    def create(self, name: str, data: bytes) -> bool:
        """Write a file that must not be there, or return False; a hard link is exact on every file system.

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
        """Give a path to an encoder; what it has written there at the end becomes the file `name`.

        The path is in a temporary directory that nobody else may enter, so that nobody can put a link there.

        Raises:
            OSError: when it cannot be written; nothing of it is visible then.
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
        """Yield what is in it. Of an entry follow no links, and ask nothing after this was closed."""
        with os.scandir(self._handle) as found:
            yield from found

    def status(self, name: str) -> os.stat_result:
        """Return the status of what has this name, of a link its own.

        Raises:
            OSError: when there is nothing.
        """
        return os.stat(name, dir_fd=self._handle, follow_symlinks=False)

    def touch(self, name: str) -> None:
        """Set the time of a file's last change to now.

        Raises:
            OSError: when that cannot be done.
        """
        os.utime(name, dir_fd=self._handle, follow_symlinks=False)

    def remove(self, name: str) -> None:
        """Remove a file, or a link itself, if it is there.

        Raises:
            OSError: when it cannot be removed.
        """
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name, dir_fd=self._handle)

    def remove_tree(self, name: str) -> None:
        """Remove a directory and all that is in it, if it is there.

        Raises:
            OSError: when it cannot be removed, or is a link.
        """
        with contextlib.suppress(FileNotFoundError), _not_too_deep():
            shutil.rmtree(name, dir_fd=self._handle)

    def sweep(self) -> None:
        """Remove everything temporary in it and below.

        Raises:
            OSError: when something cannot be removed.
        """
        with _not_too_deep():
            for _, folders, files, handle in os.fwalk(".", dir_fd=self._handle, follow_symlinks=False):
                inside = Directory(handle, self._path)
                for name in [name for name in (*folders, *files) if name.startswith(TEMPORARY)]:
                    if stat.S_ISDIR(inside.status(name).st_mode):
                        folders.remove(name)
                        inside.remove_tree(name)
                    else:
                        inside.remove(name)

    def open_file(self, name: str, flags: int) -> int:
        """Open a file that must be no link, and return its descriptor; one that is made follows the umask.

        Raises:
            OSError: when it cannot be opened, or is a link.
        """
        return self._opened(name, flags | os.O_CLOEXEC)

    @contextlib.contextmanager
    def _written(self, name: str, data: bytes, *, durable: bool = True) -> Iterator[str]:
        """Give the name of a temporary file of these bytes; it is gone at the end."""
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
                    errno.ELOOP, f"{self._at(name)} is a symbolic link, and none is followed here"
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
        """Return a path to this very directory, whatever is put in the place of its name meanwhile."""
        held = _OF_THIS_PROCESS / str(self._handle)
        return held if held.is_dir() else Path(self._path)


@contextlib.contextmanager
def _not_too_deep() -> Iterator[None]:
    """Tell of folders in folders in which Python's own walks end, which recurse."""
    try:
        yield
    except RecursionError as error:
        raise OSError(errno.ENAMETOOLONG, "folders in it lie too deep in each other") from error


@contextlib.contextmanager
def opened(root: str, below: Sequence[str] = (), *, make: bool = False) -> Iterator[Directory]:
    """Open the directory `below` a `root` that the user chose, by the names on the way; `make` what is missing.

    Raises:
        OSError: when it cannot be opened, or something below `root` is a link.
    """
    directory = Directory.open(root, make=make)
    for name in below:
        with directory as outer:
            directory = outer.enter(name, make=make)
    with directory:
        yield directory


def _make(folder: Path) -> None:
    """Make a directory whose name outlives a power cut."""
    if not folder.is_dir():
        _make(folder.parent)
        folder.mkdir(exist_ok=True)
        handle = os.open(folder.parent, _DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
