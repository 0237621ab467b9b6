"""Frames that jobs share on one disk, by a digest of all that determines their pixels; bounded in size."""

from __future__ import annotations

import contextlib
import logging
import re
import stat
import time
from collections.abc import Iterator
from pathlib import Path

from farm.store.cached_frame import CachedFrame, decoded, encoded
from farm.store.directory import TEMPORARY, Directory, opened

_logger = logging.getLogger(__name__)
_LEFTOVER_SECONDS = 3600.0
_ROOM_AFTER_EVICTION = 0.9
_SCAN_EVERY_BYTES = 0.05
"""Of the limit: how much is put before looking again at what other processes have put."""
_LARGEST_ENTRY = 2**28
"""Bytes: a PNG of 8192x8192 pixels has fewer, whatever is on it."""
_FOLDER_NAME = re.compile("[0-9a-f]{2}")
_ENTRY_NAME = re.compile(r"[0-9a-f]{64}\.png")


class FrameCache:
    """Entries below `folder`, of at most `limit_bytes` together, for any number of processes at once.

    Which entry is used least recently is told by its file's time of change, which `get` renews. Between two looks
    at the folder other processes may each put a twentieth of the limit too much. Nothing here fails a render:
    what cannot be read counts as absent, what cannot be written is left out, with a warning once. Links and pipes
    below the folder are neither followed nor waited for, and what is not named as entries are is left alone.
    """

    def __init__(self, folder: Path, limit_bytes: int) -> None:
        self._folder = folder
        self._limit = limit_bytes
        self._total: int | None = None
        self._unseen = 0
        self._warned = False

    def get(self, key: str) -> CachedFrame | None:
        """Return the frame of a key of 64 hex digits, if it is there whole; what is there else is removed."""
        try:
            with opened(str(self._folder), (key[:2],)) as folder:
                return _entry(folder, key)
        except OSError:
            return None

    def put(self, key: str, frame: CachedFrame) -> None:
        """Store the frame of a key of 64 hex digits, unless it is larger than the whole cache may be."""
        data = encoded(frame, key)
        if len(data) > self._limit:
            return
        try:
            self._make_room(len(data))
            # Without fsync: what a power cut leaves half of is found out by `get`.
            with opened(str(self._folder), (key[:2],), make=True) as folder:
                folder.write(_file_name(key), data, durable=False)
        except OSError as error:
            if not self._warned:
                self._warned = True
                _logger.warning(
                    "%s: frames cannot be kept for other jobs (%s); rendering goes on without",
                    self._folder,
                    error.strerror or error,
                )

    def _make_room(self, size: int) -> None:
        """Evict what was not used for longest until `size` bytes more are within the limit."""
        if (
            self._total is None
            or self._total + size > self._limit
            or self._unseen > self._limit * _SCAN_EVERY_BYTES
        ):
            self._scan(size)
        assert self._total is not None, "a scan counts"
        self._total += size
        self._unseen += size

    def _scan(self, size: int) -> None:
        entries = sorted(self._entries())
        self._total, self._unseen = sum(bytes_ for _, bytes_, _ in entries), 0
        if self._total + size <= self._limit:
            return
        for _, bytes_, name in entries:
            if self._total + size <= self._limit * _ROOM_AFTER_EVICTION:
                return
            with contextlib.suppress(OSError), opened(str(self._folder), (name[:2],)) as folder:
                folder.remove(name)  # other processes may evict the same
                self._total -= bytes_

    def _entries(self) -> Iterator[tuple[float, int, str]]:
        """Yield time of last use, size and name of every entry; sweep what killed processes left."""
        with Directory.open(str(self._folder), make=True) as cache:
            names = sorted(entry.name for entry in cache.entries() if _FOLDER_NAME.fullmatch(entry.name))
            for name in names:
                with contextlib.suppress(OSError), cache.enter(name) as folder:
                    yield from _entries_in(folder)


def _entries_in(folder: Directory) -> Iterator[tuple[float, int, str]]:
    old = time.time() - _LEFTOVER_SECONDS
    for name in [entry.name for entry in folder.entries()]:
        with contextlib.suppress(OSError):
            status = folder.status(name)
            if not stat.S_ISREG(status.st_mode):
                continue
            if _ENTRY_NAME.fullmatch(name):
                yield status.st_mtime, status.st_size, name
            elif name.startswith(TEMPORARY) and status.st_mtime < old:
                folder.remove(name)


def _entry(folder: Directory, key: str) -> CachedFrame | None:
    name = _file_name(key)
    frame = decoded(folder.read(name, _LARGEST_ENTRY), key)
    with contextlib.suppress(OSError):
        if frame is None:
            folder.remove(name)
        else:
            folder.touch(name)
    return frame


def _file_name(key: str) -> str:
    return f"{key}.png"
