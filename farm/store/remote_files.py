"""Files in an object store or any other fsspec file system: one PUT per file, retried while errors are transient."""

from __future__ import annotations

import contextlib
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from fsspec.implementations.memory import MemoryFileSystem

from farm.errors import TooLarge
from farm.store.retries import StorageRetries, disk_errors, http_status

_ATTEMPTS_PER_REQUEST = 2
"""A failed page of a long list, or part of a large file, is repeated without all the others."""
_swapping = threading.Lock()


class RemoteFiles:
    """The files below `root` of an fsspec file system, by names relative to it."""

    def __init__(self, fs: Any, root: str, url: str) -> None:
        self._fs = fs
        self._root = root.rstrip("/")
        self._retry = StorageRetries()
        self._is_s3 = "s3" in (fs.protocol if isinstance(fs.protocol, tuple) else (fs.protocol,))
        if self._is_s3:
            _limit_retries(fs)
        self._conditional = ConditionalWrites(fs, self._find, is_s3=self._is_s3)
        self.url = url
        self.in_process = isinstance(fs, MemoryFileSystem)

    def path(self, name: str) -> str:
        """Return the full URL of a file."""
        return f"{self.url.rstrip('/')}/{name}"

    def find(self, name: str, max_bytes: int) -> bytes | None:
        """Return the content of a file of at most `max_bytes`, or None if it is missing."""
        content = self._retry("read", self.path(name), lambda: self._find(self._inner(name)))
        return None if content is None else self._checked(name, content, max_bytes)

    def read(self, name: str, max_bytes: int) -> bytes:
        """Return the content of a file of at most `max_bytes`."""
        content = self._retry("read", self.path(name), lambda: self._read(self._inner(name)))
        return self._checked(name, content, max_bytes)

    def write(self, name: str, data: bytes) -> None:
        """Write a file atomically."""
        self._retry("write", self.path(name), lambda: self._fs.pipe_file(self._inner(name), data))

    @contextlib.contextmanager
    def writing(self, name: str) -> Iterator[Path]:
        """Provide the path of a local temporary file that becomes `name` at the end of the block."""
        path = self.path(name)
        with (
            disk_errors("write", path, Path(tempfile.gettempdir())),
            tempfile.TemporaryDirectory(prefix="farm-") as folder,
        ):
            temporary = Path(folder) / Path(name).name
            yield temporary
            self._retry("write", path, lambda: self._fs.put_file(str(temporary), self._inner(name)))

    def compare_and_swap(self, name: str, old: bytes | None, new: bytes | None) -> bool:
        """Replace `old` with `new`; how exactly depends on the store (see `ConditionalWrites`)."""
        path = self._inner(name)
        return self._retry(
            "write", self.path(name), lambda: self._conditional.compare_and_swap(path, old, new)
        )

    def entries(self, folder: str, kind: str) -> list[str]:
        """Return the names of all entries of `kind`, `file` or `directory`, directly in `folder`."""

        def entries() -> list[str]:
            self._fs.invalidate_cache()
            try:
                found = self._fs.ls(self._inner(folder), detail=True)
            except FileNotFoundError:
                return []
            names = (str(entry["name"]).rstrip("/") for entry in found if entry["type"] == kind)
            return sorted(name.rsplit("/", 1)[-1] for name in names)

        return self._retry("list", self.path(folder), entries)

    def exists(self, name: str) -> bool:
        """Return whether the file exists."""

        def exists() -> bool:
            self._fs.invalidate_cache()
            return bool(self._fs.exists(self._inner(name)))

        return self._retry("read", self.path(name), exists)

    def remove(self, name: str) -> None:
        """Remove a file, if it exists."""

        def remove() -> None:
            with contextlib.suppress(FileNotFoundError):
                self._fs.rm_file(self._inner(name))

        self._retry("remove", self.path(name), remove)

    def remove_tree(self, folder: str) -> None:
        """Remove a folder and its content, if it exists."""

        def remove() -> None:
            self._fs.invalidate_cache()
            with contextlib.suppress(FileNotFoundError):
                self._fs.rm(self._inner(folder), recursive=True)

        self._retry("remove", self.path(folder), remove)

    def sweep(self) -> None:
        """Do nothing: a PUT leaves no temporary file."""

    def _inner(self, name: str) -> str:
        return f"{self._root}/{name}"

    def _checked(self, name: str, content: bytes, max_bytes: int) -> bytes:
        """Return the content of a file within the limit; querying its size first would double the requests."""
        if len(content) > max_bytes:
            raise TooLarge(
                f"{self.path(name)}: cannot read: it has {len(content)} bytes, at most {max_bytes} are allowed."
            )
        return content

    def _read(self, path: str) -> bytes:
        # Without this option, s3fs first queries the size, which doubles the requests.
        one_request = {"max_concurrency": 1} if self._is_s3 else {}
        return bytes(self._fs.cat_file(path, **one_request))

    def _find(self, path: str) -> bytes | None:
        with contextlib.suppress(FileNotFoundError):
            return self._read(path)
        return None


class ConditionalWrites:
    """Compare-and-swap of a file in a store: exact on S3 (If-Match, If-None-Match) and in memory.

    For other stores, fsspec has no conditional requests: a file is read immediately before it is replaced, and a new
    file is written in mode `create`, which is exact on GCS. `find` returns the content of a file, or None.
    """

    def __init__(self, fs: Any, find: Callable[[str], bytes | None], *, is_s3: bool) -> None:
        self._fs = fs
        self._find = find
        self._is_s3 = is_s3

    def compare_and_swap(self, path: str, old: bytes | None, new: bytes | None) -> bool:
        """Replace the content `old` with `new` and return True; return False if the content is not `old`."""
        with contextlib.nullcontext() if self._is_s3 else _swapping:
            condition: dict[str, str] = {}
            if old is not None or not self._is_s3:
                condition, current = self._condition(path), self._find(path)
                if current != old:
                    return current == new  # an earlier attempt succeeded, but its answer was lost
            try:
                self._put(path, old, new, condition)
            except Exception as error:
                if not _is_condition_unmet(error, old):
                    raise
                return self._find(path) == new  # as above, or another process was faster
        return True

    def _put(self, path: str, old: bytes | None, new: bytes | None, condition: dict[str, str]) -> None:
        if old is None:
            self._fs.pipe_file(path, new, mode="create")
        elif new is not None:
            self._fs.pipe_file(path, new, **condition)
        elif self._is_s3:
            bucket, key, _ = self._fs.split_path(path)
            self._fs.call_s3("delete_object", Bucket=bucket, Key=key, **condition)
        else:
            self._fs.rm_file(path)

    def _condition(self, path: str) -> dict[str, str]:
        if not self._is_s3:
            return {}
        try:
            return {"IfMatch": self._fs.info(path, refresh=True)["ETag"]}
        except FileNotFoundError:
            return {}


def _is_condition_unmet(error: Exception, old: bytes | None) -> bool:
    """Return whether a conditional request failed because of its condition."""
    if isinstance(error, FileExistsError) or http_status(error) == 412:
        return True
    return old is not None and isinstance(error, FileNotFoundError)


def _limit_retries(s3: Any) -> None:
    """Leave retries to `StorageRetries`: botocore's five attempts in each of s3fs' five would multiply ours by 25."""
    s3.retries = 1
    s3.config_kwargs = {"retries": {"total_max_attempts": _ATTEMPTS_PER_REQUEST}} | s3.config_kwargs
