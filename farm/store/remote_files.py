"""Files in an object store, or wherever else fsspec reaches: one PUT of the whole, tried again while faults pass."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fsspec.implementations.memory import MemoryFileSystem

from farm.errors import TooLarge
from farm.store.conditional_writes import ConditionalWrites
from farm.store.faults import Patience, disk_errors

_INNER_ATTEMPTS = 2
"""Of one request: the pages of a long list and the parts of a large file should not all be asked for again."""


class RemoteFiles:
    """The files below `root` of an fsspec file system, by their names relative to it."""

    def __init__(self, fs: Any, root: str, url: str) -> None:
        self._fs = fs
        self._root = root.rstrip("/")
        self._patience = Patience()
        self._s3 = "s3" in (fs.protocol if isinstance(fs.protocol, tuple) else (fs.protocol,))
        if self._s3:
            _retry_once(fs)
        self._swap = ConditionalWrites(fs, self._find, on_s3=self._s3).swap
        self.url = url
        self.in_process = isinstance(fs, MemoryFileSystem)

    def path(self, name: str) -> str:
        """Return the full URL of a file."""
        return f"{self.url.rstrip('/')}/{name}"

    def find(self, name: str, most: int) -> bytes | None:
        """Return a whole file of at most so many bytes, or None if it is not there."""
        found = self._patience("read", self.path(name), lambda: self._find(self._inner(name)))
        return None if found is None else self._checked(name, found, most)

    def read(self, name: str, most: int) -> bytes:
        """Return a whole file of at most so many bytes."""
        found = self._patience("read", self.path(name), lambda: self._cat(self._inner(name)))
        return self._checked(name, found, most)

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
        """Put `new` in the place of `old`; how exact that is says `ConditionalWrites`."""
        return self._patience("write", self.path(name), lambda: self._swap(self._inner(name), old, new))

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

    def _checked(self, name: str, found: bytes, most: int) -> bytes:
        """Refuse what is too large; asking for its size first would be twice the requests."""
        if len(found) > most:
            raise TooLarge(f"{self.path(name)}: cannot read: it has {len(found)} bytes, allowed are {most}.")
        return found

    def _cat(self, path: str) -> bytes:
        # Without it s3fs asks for the size first: twice the requests, for nothing where files are small.
        one_request = {"max_concurrency": 1} if self._s3 else {}
        return bytes(self._fs.cat_file(path, **one_request))

    def _find(self, path: str) -> bytes | None:
        with contextlib.suppress(FileNotFoundError):
            return self._cat(path)
        return None


def _retry_once(s3: Any) -> None:
    """Leave patience to the farm: botocore's five attempts within s3fs' five would be 25 within each of ours."""
    s3.retries = 1
    s3.config_kwargs = {"retries": {"total_max_attempts": _INNER_ATTEMPTS}} | s3.config_kwargs
