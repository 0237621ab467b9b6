"""Files in an object store, or wherever else fsspec reaches: one PUT of the whole, tried again while faults pass."""

from __future__ import annotations

import contextlib
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fsspec.implementations.memory import MemoryFileSystem

from farm.store.faults import Patience, disk_errors, status_of

_INNER_ATTEMPTS = 2
"""Of one request: the pages of a long list and the parts of a large file should not all be asked for again."""
_ONE_BY_ONE = threading.Lock()


class RemoteFiles:
    """The files below `root` of an fsspec file system, by their names relative to it."""

    def __init__(self, fs: Any, root: str, url: str) -> None:
        self._fs = fs
        self._root = root.rstrip("/")
        self._patience = Patience()
        self._s3 = "s3" in (fs.protocol if isinstance(fs.protocol, tuple) else (fs.protocol,))
        if self._s3:
            _retry_once(fs)
        self.url = url
        self.in_process = isinstance(fs, MemoryFileSystem)

    def path(self, name: str) -> str:
        """Return the full URL of a file."""
        return f"{self.url.rstrip('/')}/{name}"

    def find(self, name: str) -> bytes | None:
        """Return a whole file, or None if it is not there."""
        return self._patience("read", self.path(name), lambda: self._find(name))

    def read(self, name: str) -> bytes:
        """Return a whole file."""
        return self._patience("read", self.path(name), lambda: self._cat(name))

    def write(self, name: str, data: bytes) -> None:
        """Write a whole file."""
        self._patience("write", self.path(name), lambda: self._fs.pipe_file(self._inner(name), data))

    @contextlib.contextmanager
    def writing(self, name: str) -> Iterator[Path]:
        """Give the path of a local temporary file that becomes the file `name` at the end."""
        path = self.path(name)
        with (
            disk_errors("write", path, Path(tempfile.gettempdir())),
            tempfile.TemporaryDirectory(prefix="farm-") as folder,
        ):
            temporary = Path(folder) / Path(name).name
            yield temporary
            self._patience("write", path, lambda: self._fs.put_file(str(temporary), self._inner(name)))

    def swap(self, name: str, old: bytes | None, new: bytes | None) -> bool:
        """Put `new` in the place of `old`.

        Exact on S3 (If-Match, If-None-Match) and in memory. fsspec knows no such condition for other stores: there
        the file is read just before it is written, and what must not be there yet is written in mode `create`,
        which GCS holds exactly.
        """
        return self._patience("write", self.path(name), lambda: self._swap(name, old, new))

    def entries(self, folder: str, kind: str) -> list[str]:
        """Return the names of what is directly in `folder`: of each `file`, or of each `directory`."""

        def listed() -> list[str]:
            self._fs.invalidate_cache()
            try:
                entries = self._fs.ls(self._inner(folder), detail=True)
            except FileNotFoundError:
                return []
            names = (str(entry["name"]).rstrip("/") for entry in entries if entry["type"] == kind)
            return sorted(name.rsplit("/", 1)[-1] for name in names)

        return self._patience("list", self.path(folder), listed)

    def exists(self, name: str) -> bool:
        """Tell whether the file is there."""

        def there() -> bool:
            self._fs.invalidate_cache()
            return bool(self._fs.exists(self._inner(name)))

        return self._patience("read", self.path(name), there)

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""

        def gone() -> None:
            with contextlib.suppress(FileNotFoundError):
                self._fs.rm_file(self._inner(name))

        self._patience("remove", self.path(name), gone)

    def remove_tree(self, folder: str) -> None:
        """Remove a folder and all that is in it, if it is there."""

        def gone() -> None:
            self._fs.invalidate_cache()
            with contextlib.suppress(FileNotFoundError):
                self._fs.rm(self._inner(folder), recursive=True)

        self._patience("remove", self.path(folder), gone)

    def sweep(self) -> None:
        """Do nothing: a PUT leaves no temporary file."""

    def _inner(self, name: str) -> str:
        return f"{self._root}/{name}"

    def _cat(self, name: str) -> bytes:
        # Without it s3fs asks for the size first: twice the requests, for nothing where files are small.
        one_request = {"max_concurrency": 1} if self._s3 else {}
        return bytes(self._fs.cat_file(self._inner(name), **one_request))

    def _find(self, name: str) -> bytes | None:
        with contextlib.suppress(FileNotFoundError):
            return self._cat(name)
        return None

    def _swap(self, name: str, old: bytes | None, new: bytes | None) -> bool:
        with contextlib.nullcontext() if self._s3 else _ONE_BY_ONE:
            condition: dict[str, str] = {}
            if old is not None or not self._s3:
                condition, found = self._condition(name), self._find(name)
                if found != old:
                    return found == new  # the answer to an attempt that succeeded was lost
            try:
                self._put(name, old, new, condition)
            except Exception as error:
                if not _unmet(error, old):
                    raise
                return self._find(name) == new  # as above, or somebody else was faster
        return True

    def _put(self, name: str, old: bytes | None, new: bytes | None, condition: dict[str, str]) -> None:
        inner = self._inner(name)
        if old is None:
            self._fs.pipe_file(inner, new, mode="create")
        elif new is not None:
            self._fs.pipe_file(inner, new, **condition)
        elif self._s3:
            bucket, key, _ = self._fs.split_path(inner)
            self._fs.call_s3("delete_object", Bucket=bucket, Key=key, **condition)
        else:
            self._fs.rm_file(inner)

    def _condition(self, name: str) -> dict[str, str]:
        if not self._s3:
            return {}
        try:
            return {"IfMatch": self._fs.info(self._inner(name), refresh=True)["ETag"]}
        except FileNotFoundError:
            return {}


def _retry_once(s3: Any) -> None:
    """Leave patience to the farm: botocore's five attempts within s3fs' five would be 25 within each of ours."""
    s3.retries = 1
    s3.config_kwargs = {"retries": {"total_max_attempts": _INNER_ATTEMPTS}} | s3.config_kwargs


def _unmet(error: Exception, old: bytes | None) -> bool:
    """Tell whether a conditional request was refused because its condition does not hold."""
    if isinstance(error, FileExistsError) or status_of(error) == 412:
        return True
    return old is not None and isinstance(error, FileNotFoundError)
