"""A job's folder on any fsspec file system; every write is atomic."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TypeVar

from farm.errors import TooLarge, UsageError, masked
from farm.store.local_files import MAX_FILE_BYTES, LocalFiles
from farm.store.retries import disk_errors
from farm.typed_json import MAX_BYTES, Malformed, parse

if TYPE_CHECKING:
    from farm.store.remote_files import RemoteFiles

_WRITABLE_SCHEMES = ("s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "memory", "file", "local")
_OWN_FOLDERS = ("frames", ".farm", ".farm/ledger", ".farm/analysis")
_FARM = ".farm"
_SCRATCH = "verify-"
_REMOTE_READS = 10
"""The size of botocore's connection pool."""

_Record = TypeVar("_Record")


class JobFolder:
    """The files of one job, by names relative to `url`: an absolute local path or any fsspec URL.

    Locally, a write is a temporary file, fsync and rename, nothing below `url` is opened through a link, and files
    follow the umask. In an object store, a write is one PUT, and transient errors are retried for about 25 seconds.
    `in_process` is true if files are invisible to other processes (memory://); `concurrent_reads` is the fastest number
    of simultaneous reads.
    """

    def __init__(self, url: str) -> None:
        _check_url(url)
        self._files = _files(url)
        local = isinstance(self._files, LocalFiles)
        self.url = self._files.url
        self.in_process = self._files.in_process
        self.is_local = local
        self.concurrent_reads = 1 if local or self.in_process else _REMOTE_READS

    @property
    def _local(self) -> LocalFiles:
        assert isinstance(self._files, LocalFiles), "only local files can be appended to"
        return self._files

    def path(self, name: str) -> str:
        """Return the full path or URL of the file `name`, for messages and links."""
        return self._files.path(name)

    def write(self, name: str, data: bytes) -> None:
        """Write a file atomically.

        Raises:
            StorageError: when it cannot be written; then no part of it is visible.
        """
        self._files.write(name, data)

    def compare_and_swap(self, name: str, old: bytes | None, new: bytes | None) -> bool:
        """Replace a file's content `old` with `new` and return True; return False if its content is not `old`.

        None means no file. `new` must be content that no other caller would write, so that a success is recognized even
        if the answer was lost. Of several simultaneous calls, in any processes, one succeeds: locally under a lock, on
        S3 by one conditional PUT; for other stores see `ConditionalWrites`.

        Raises:
            StorageError: when it cannot be read or written.
        """
        return self._files.compare_and_swap(name, old, new)

    def writing(self, name: str) -> contextlib.AbstractContextManager[Path]:
        """Provide a local temporary path for an encoder, whose file becomes `name` at the end of the block.

        An exception in the block leaves the previous file unchanged; an OSError becomes a StorageError.
        """
        return self._files.writing(name)

    def write_errors(self, name: str, temporary: Path) -> contextlib.AbstractContextManager[None]:
        """Turn an OSError of writing `temporary`, the future file `name`, into a StorageError."""
        return disk_errors("write", self.path(name), Path(self.url) if self.is_local else temporary.parent)

    def read(self, name: str, *, max_bytes: int = MAX_FILE_BYTES) -> bytes:
        """Return the content of a file.

        Raises:
            StorageError: when it is missing or unreadable; `TooLarge` when it exceeds `max_bytes`.
        """
        return self._files.read(name, max_bytes)

    def find(self, name: str, *, max_bytes: int = MAX_FILE_BYTES) -> bytes | None:
        """Return the content of a file, or None if it is missing.

        Raises:
            StorageError: when it is unreadable; `TooLarge` when it exceeds `max_bytes`.
        """
        return self._files.find(name, max_bytes)

    def find_record(self, name: str, kind: type[_Record]) -> _Record | None:
        """Return the record in a JSON file, or None if the file is missing.

        Raises:
            Malformed: when it is not a record of this kind.
            StorageError: when it is unreadable.
        """
        try:
            found = self._files.find(name, MAX_BYTES)
        except TooLarge as error:
            raise Malformed(str(error)) from error
        return None if found is None else parse(found, kind)

    def open_append(self, name: str) -> BinaryIO:
        """Open a local file, unbuffered, to append complete lines to it. Object stores have no append.

        Raises:
            StorageError: when it cannot be opened, or is not a regular file.
        """
        return self._local.open_append(name)

    def rename(self, name: str, new_name: str) -> None:
        """Rename a local file within its folder, replacing any file with the new name.

        Raises:
            StorageError: when it cannot be renamed.
        """
        self._local.rename(name, new_name)

    def lines(self, name: str, *, max_line: int, max_bytes: int) -> Iterator[bytes]:
        """Yield the lines of a local file within its first `max_bytes`, one in memory at a time; none if it is missing.

        Lines are truncated to `max_line` bytes.

        Raises:
            StorageError: when it cannot be read.
        """
        return self._local.lines(name, max_line, max_bytes)

    def names(self, folder: str) -> list[str]:
        """Return the sorted names of the files directly in `folder`; none if it is missing."""
        return self._files.entries(folder, "file")

    def folders(self, folder: str) -> list[str]:
        """Return the sorted names of the folders directly in `folder`; none if it is missing."""
        return self._files.entries(folder, "directory")

    def exists(self, name: str) -> bool:
        """Return whether the file exists."""
        return self._files.exists(name)

    def remove(self, name: str) -> None:
        """Remove a file, if it exists."""
        self._files.remove(name)

    def sweep(self) -> None:
        """Remove the temporary files of killed runs; only the holder of the folder's lock may call this."""
        self._files.sweep()
        for name in self._files.entries(_FARM, "directory"):
            if name.startswith(_SCRATCH):
                self._files.remove_tree(f"{_FARM}/{name}")

    @contextlib.contextmanager
    def scratch(self) -> Iterator[JobFolder]:
        """Provide a new folder below `.farm` to render into, and remove it at the end of the block.

        `sweep` removes the folders of killed runs.
        """
        name = f"{_FARM}/{_SCRATCH}{uuid.uuid4().hex}"
        try:
            yield JobFolder(self.path(name))
        finally:
            self._files.remove_tree(name)


def symlink_in(folder: JobFolder, *, follow_root: bool = False) -> str | None:
    """Describe the first of a job's own folders that is a symbolic link, with its target; return None if none is.

    `follow_root` allows the job's folder itself, which the user chose, to be a link. Nothing is opened through a link
    in any case (see `directory`); this check reports links before a run starts.
    """
    if not folder.is_local:
        return None
    root = Path(folder.path(""))
    for path in (root / name for name in (_OWN_FOLDERS if follow_root else ("", *_OWN_FOLDERS))):
        if path.is_symlink():
            return f"{path} is a symbolic link to {str(path.readlink())!r}"
    return None


def _files(url: str) -> LocalFiles | RemoteFiles:
    """Return the files below a URL.

    Raises:
        UsageError: when there is no such file system, or the current directory no longer exists.
    """
    try:
        if ":" not in url:
            return LocalFiles(_absolute(url))
        import fsspec
        from fsspec.implementations.local import LocalFileSystem

        from farm.store.remote_files import RemoteFiles

        fs, root = fsspec.url_to_fs(url)
    except FileNotFoundError as error:  # from making a relative path absolute
        raise UsageError(
            f"{url}: the current directory no longer exists; change to another one, or give an absolute path."
        ) from error
    except (ImportError, ValueError) as error:
        raise UsageError(f"{url}: {error}; give a local folder or an fsspec URL such as s3://...") from error
    return LocalFiles(root) if isinstance(fs, LocalFileSystem) else RemoteFiles(fs, root, url)


def _absolute(path: str) -> str:
    """Return a local path as fsspec would, without importing fsspec, which takes longer than a plan."""
    path = str(Path(path).expanduser()) if path.startswith("~") else path
    if not path.startswith("/"):
        path = f"{Path.cwd()}/{'' if path == '.' else path.removeprefix('./')}"
    return path.rstrip("/") or "/"


def _check_url(url: str) -> None:
    """Check, before fsspec opens anything, that a URL names a local path or a writable store.

    Some of fsspec's file systems connect, or read a file, as soon as they are given their URL.

    Raises:
        UsageError: for any other URL.
    """
    scheme, colon, _ = url.partition("://")
    if not url.isprintable():
        found = "contains unprintable characters"
    elif "::" in url:
        found = "is a chain of file systems (::)"
    elif colon and scheme not in _WRITABLE_SCHEMES:
        found = f"frames cannot be written to {scheme}://"
    elif masked(url) != url:
        found = "contains a password, which would appear in every page and log"
    elif url.startswith("data:"):
        found = "frames cannot be written to data:"
    else:
        return
    raise UsageError(
        f"{url!r}: {found}; give a local folder or an fsspec URL of s3://, gs://, az://, abfs:// or memory://."
    )
