"""A file in a store that is replaced only if it is still what it was."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from typing import Any

from farm.store.faults import status_of

_ONE_BY_ONE = threading.Lock()


class ConditionalWrites:
    """Exact on S3 (If-Match, If-None-Match) and in memory.

    fsspec knows no such condition for other stores: there the file is read just before it is written, and what must
    not be there yet is written in mode `create`, which GCS holds exactly. `find` returns a file of the store, or None.
    """

    def __init__(self, fs: Any, find: Callable[[str], bytes | None], *, on_s3: bool) -> None:
        self._fs = fs
        self._find = find
        self._on_s3 = on_s3

    def swap(self, path: str, old: bytes | None, new: bytes | None) -> bool:
        """Put `new` in the place of `old`, and return True, or change nothing if the file is not `old` any more."""
        with contextlib.nullcontext() if self._on_s3 else _ONE_BY_ONE:
            condition: dict[str, str] = {}
            if old is not None or not self._on_s3:
                condition, found = self._condition(path), self._find(path)
                if found != old:
                    return found == new  # the answer to an attempt that succeeded was lost
            try:
                self._put(path, old, new, condition)
            except Exception as error:
                if not _unmet(error, old):
                    raise
                return self._find(path) == new  # as above, or somebody else was faster
        return True

    def _put(self, path: str, old: bytes | None, new: bytes | None, condition: dict[str, str]) -> None:
        if old is None:
            self._fs.pipe_file(path, new, mode="create")
        elif new is not None:
            self._fs.pipe_file(path, new, **condition)
        elif self._on_s3:
            bucket, key, _ = self._fs.split_path(path)
            self._fs.call_s3("delete_object", Bucket=bucket, Key=key, **condition)
        else:
            self._fs.rm_file(path)

    def _condition(self, path: str) -> dict[str, str]:
        if not self._on_s3:
            return {}
        try:
            return {"IfMatch": self._fs.info(path, refresh=True)["ETag"]}
        except FileNotFoundError:
            return {}


def _unmet(error: Exception, old: bytes | None) -> bool:
    """Tell whether a conditional request was refused because its condition does not hold."""
    if isinstance(error, FileExistsError) or status_of(error) == 412:
        return True
    return old is not None and isinstance(error, FileNotFoundError)
