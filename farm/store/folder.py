"""A job's output folder on any fsspec file system, with writes that appear whole or not at all."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import fsspec
from fsspec.implementations.local import LocalFileSystem

from farm.errors import TooLarge, UsageError
from farm.store.faults import disk_errors
from farm.store.local_files import LARGEST, LocalFiles
from farm.store.remote_files import RemoteFiles
from farm.store.schemes import check_url
from farm.typed_json import MOST_BYTES, Malformed, read

_FARM = ".farm"
_SCRATCH = "verify-"
_REMOTE_READS = 10  # as many connections as botocore keeps

_Record = TypeVar("_Record")


class JobFolder:
    """Files of one job by their names relative to `url`, an absolute local path or any fsspec URL.

    A write is atomic: locally a temporary file, fsync, rename; elsewhere one PUT of the whole. Locally nothing below
    `url` is opened through a link, for reading or writing, and files follow the umask. Elsewhere what fails is tried
    again as long as the fault may pass, for about 25 seconds. `in_process` says that no other process sees the files
    (memory://); `at_once` says how many reads at a time make it faster.
    """

    def __init__(self, url: str) -> None:
        check_url(url)
        try:
            fs, root = fsspec.url_to_fs(url)
        except FileNotFoundError as error:  # fsspec makes a relative path absolute
            raise UsageError(
                f"{url}: the current directory is gone; change to one that is there, or give an absolute path."
            ) from error
        except (ImportError, ValueError) as error:
            raise UsageError(
                f"{url}: {error}; give a local folder or an fsspec URL such as s3://..."
            ) from error
        local = isinstance(fs, LocalFileSystem)
        self._files = LocalFiles(root) if local else RemoteFiles(fs, root, url)
        self.url = self._files.url
        self.in_process = self._files.in_process
        self.is_local = local
        self.at_once = 1 if local or self.in_process else _REMOTE_READS

    def path(self, name: str) -> str:
        """Return the full path or URL of the file `name`, for people and for links."""
        return self._files.path(name)

    def write(self, name: str, data: bytes) -> None:
        """Write a whole file atomically.

        Raises:
            StorageError: when the file cannot be written; nothing of it is visible then.
        """
        self._files.write(name, data)

    def swap(self, name: str, old: bytes | None, new: bytes | None) -> bool:
        """Put `new` in the place of `old` and return True, or change nothing if the file is not `old` any more.

        None stands for no file. `new` must be what nobody else would write: a success whose answer was lost is
        known by it. Of several at once, in whatever process, one succeeds: locally under a lock, on S3 by one
        conditional PUT, in memory; see `ConditionalWrites` for other stores.

        Raises:
            StorageError: when it cannot be read or written.
        """
        return self._files.swap(name, old, new)

    def writing(self, name: str) -> contextlib.AbstractContextManager[Path]:
        """Give a local temporary path to an encoder; what is there at the end becomes the file `name`.

        An exception in the body leaves the former file as it was; an OSError becomes a StorageError.
        """
        return self._files.writing(name)

    def telling(self, name: str, temporary: Path) -> contextlib.AbstractContextManager[None]:
        """Turn an OSError of writing to `temporary`, which is to become the file `name`, into a StorageError."""
        return disk_errors("write", self.path(name), Path(self.url) if self.is_local else temporary.parent)

    def read(self, name: str, *, most: int = LARGEST) -> bytes:
        """Return a whole file of at most so many bytes.

        Raises:
            StorageError: when it is missing or unreadable; `TooLarge` when it has more.
        """
        return self._files.read(name, most)

    def find(self, name: str, *, most: int = LARGEST) -> bytes | None:
        """Return a whole file of at most so many bytes, or None if it is not there.

        Raises:
            StorageError: when it is unreadable; `TooLarge` when it has more.
        """
        return self._files.find(name, most)

    def record(self, name: str, kind: type[_Record]) -> _Record | None:
        """Return what a JSON file says, or None if it is not there.

        Raises:
            Malformed: when it is no record of this kind.
            StorageError: when it is unreadable.
        """
        try:
            found = self._files.find(name, MOST_BYTES)
        except TooLarge as error:
            raise Malformed(str(error)) from error
        return None if found is None else read(found, kind)

    def names(self, folder: str) -> list[str]:
        """Return the names of the files directly in `folder`, sorted; none if it is absent."""
        return self._files.entries(folder, "file")

    def folders(self, folder: str) -> list[str]:
        """Return the names of the folders directly in `folder`, sorted; none if it is absent."""
        return self._files.entries(folder, "directory")

    def exists(self, name: str) -> bool:
        """Tell whether the file is there."""
        return self._files.exists(name)

    def remove(self, name: str) -> None:
        """Remove a file; one that is not there is no error."""
        self._files.remove(name)

    def sweep(self) -> None:
        """Remove temporary files that a killed run left; only the holder of the folder's claim may call this."""
        self._files.sweep()
        for name in self._files.entries(_FARM, "directory"):
            if name.startswith(_SCRATCH):
                self._files.remove_tree(f"{_FARM}/{name}")

    @contextlib.contextmanager
    def scratch(self) -> Iterator[JobFolder]:
        """Give a folder of its own, below `.farm`, to render into; it is gone at the end, whatever happens.

        What a killed run left of it goes with `sweep`.
        """
        name = f"{_FARM}/{_SCRATCH}{uuid.uuid4().hex}"
        try:
            yield JobFolder(self.path(name))
        finally:
            self._files.remove_tree(name)
