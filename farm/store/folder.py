"""A job's output folder on any fsspec file system, with writes that appear whole or not at all."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import fsspec
from fsspec.implementations.local import LocalFileSystem
from fsspec.implementations.memory import MemoryFileSystem

from farm.errors import StorageError, UsageError

_TEMPORARY = ".tmp-"


class JobFolder:
    """Files of one job by their names relative to `url`, an absolute local path or any fsspec URL.

    A write is atomic: locally a sibling temporary file, fsync, rename; elsewhere one PUT of the whole.
    `in_process` says that no other process sees the files (memory://).
    """

    def __init__(self, url: str) -> None:
        try:
            self._fs, self._root = fsspec.url_to_fs(url)
        except (ImportError, ValueError) as error:
            raise UsageError(
                f"{url}: {error}; give a local folder or an fsspec URL such as s3://..."
            ) from error
        self._local = isinstance(self._fs, LocalFileSystem)
        self.url = self._root if self._local else url
        self.in_process = isinstance(self._fs, MemoryFileSystem)

    def path(self, name: str) -> str:
        """Return the full path or URL of the file `name`, for people and for links."""
        return f"{self._root.rstrip('/')}/{name}" if self._local else f"{self.url.rstrip('/')}/{name}"

    def write(self, name: str, data: bytes) -> None:
        """Write a whole file atomically.

        Raises:
            StorageError: when the file cannot be written; nothing of it is visible then.
        """
        with _storage_errors("write", self.path(name)):
            if not self._local:
                self._fs.pipe_file(self._inner(name), data)
                return
            target = self._local_target(name)
            with _sibling(target) as temporary:
                with temporary.open("wb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                temporary.replace(target)

    def create(self, name: str, data: bytes) -> bool:
        """Write a whole file that must not be there yet; return False, and change nothing, if it is.

        Raises:
            StorageError: when it cannot be written.
        """
        with _storage_errors("write", self.path(name)):
            try:
                if not self._local:
                    self._fs.pipe_file(self._inner(name), data, mode="create")
                    return True
                target = self._local_target(name)
                with _sibling(target) as temporary:
                    temporary.write_bytes(data)
                    os.link(temporary, target)
            except FileExistsError:
                return False
        return True

    @contextlib.contextmanager
    def writing(self, name: str) -> Iterator[Path]:
        """Give a local temporary path to an encoder; what is there at the end becomes the file `name`.

        An exception in the body leaves the former file as it was.
        """
        with _storage_errors("write", self.path(name)):
            if self._local:
                target = self._local_target(name)
                with _sibling(target) as temporary:
                    yield temporary
                    _sync(temporary)
                    temporary.replace(target)
                return
            with tempfile.TemporaryDirectory(prefix="farm-") as folder:
                temporary = Path(folder) / Path(name).name
                yield temporary
                self._fs.put_file(str(temporary), self._inner(name))

    def read(self, name: str) -> bytes:
        """Return a whole file.

        Raises:
            StorageError: when it is missing or unreadable.
        """
        with _storage_errors("read", self.path(name)):
            return bytes(self._fs.cat_file(self._inner(name)))

    def names(self, folder: str) -> list[str]:
        """Return the names of the files directly in `folder`, sorted; none if it is absent."""
        with _storage_errors("list", self.path(folder)):
            self._fs.invalidate_cache()
            try:
                entries = self._fs.ls(self._inner(folder), detail=True)
            except FileNotFoundError:
                return []
            return sorted(
                str(entry["name"]).rsplit("/", 1)[-1] for entry in entries if entry["type"] == "file"
            )

    def exists(self, name: str) -> bool:
        """Tell whether the file is there."""
        with _storage_errors("read", self.path(name)):
            return bool(self._fs.exists(self._inner(name)))

    def remove(self, name: str) -> None:
        """Remove a file; one that is not there is no error."""
        with _storage_errors("remove", self.path(name)), contextlib.suppress(FileNotFoundError):
            self._fs.rm_file(self._inner(name))

    def sweep(self) -> None:
        """Remove temporary files that a killed run left; only the holder of the folder's claim may call this."""
        if self._local:
            with _storage_errors("clean", self.url):
                for leftover in Path(self._root).rglob(f"{_TEMPORARY}*"):
                    leftover.unlink(missing_ok=True)

    def _inner(self, name: str) -> str:
        return f"{self._root.rstrip('/')}/{name}"

    def _local_target(self, name: str) -> Path:
        target = Path(self._inner(name))
        target.parent.mkdir(parents=True, exist_ok=True)
        return target


@contextlib.contextmanager
def _sibling(target: Path) -> Iterator[Path]:
    """Give a temporary path beside `target`, with its suffix; whatever is left there at the end is removed."""
    handle, name = tempfile.mkstemp(prefix=_TEMPORARY, suffix=target.suffix, dir=target.parent)
    os.close(handle)
    temporary = Path(name)
    temporary.chmod(0o644)
    try:
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


@contextlib.contextmanager
def _storage_errors(verb: str, path: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        free = _free_space_note(path)
        raise StorageError(f"{path}: cannot {verb}: {error.strerror or error}.{free}") from error


def _free_space_note(path: str) -> str:
    parent = Path(path).parent
    if not parent.is_dir():
        return ""
    free = shutil.disk_usage(parent).free
    return f" {free // 2**20} MiB are free there; make room and run again." if free < 2**26 else ""
