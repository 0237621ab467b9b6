"""Frames that jobs share on one disk, by a digest of all that determines their pixels; bounded in size."""

from __future__ import annotations

import contextlib
import logging
import os
import time
from collections.abc import Iterator
from pathlib import Path

from farm.store.cached_frame import CachedFrame, decoded, encoded
from farm.store.durable import TEMPORARY, sibling

_logger = logging.getLogger(__name__)
_LEFTOVER_SECONDS = 3600.0
_ROOM_AFTER_EVICTION = 0.9
_SCAN_EVERY_BYTES = 0.05
"""Of the limit: how much is put before looking again at what other processes have put."""


class FrameCache:
    """Entries below `folder`, of at most `limit_bytes` together, for any number of processes at once.

    Which entry is used least recently is told by its file's time of change, which `get` renews. Between two looks
    at the folder other processes may each put a twentieth of the limit too much. Nothing here fails a render:
    what cannot be read counts as absent, what cannot be written is left out, with a warning once.
    """

    def __init__(self, folder: Path, limit_bytes: int) -> None:
        self._folder = folder
        self._limit = limit_bytes
        self._total: int | None = None
        self._unseen = 0
        self._warned = False

    def get(self, key: str) -> CachedFrame | None:
        """Return the frame of a key of 64 hex digits, if it is there whole; what is there else is removed."""
        path = self._path(key)
        try:
            data = path.read_bytes()
        except OSError:
            return None
        frame = decoded(data, key)
        with contextlib.suppress(OSError):
            if frame is None:
                path.unlink()
            else:
                os.utime(path)
        return frame

    def put(self, key: str, frame: CachedFrame) -> None:
        """Store the frame of a key of 64 hex digits, unless it is larger than the whole cache may be."""
        data = encoded(frame, key)
        if len(data) > self._limit:
            return
        try:
            self._make_room(len(data))
            _write(self._path(key), data)
        except OSError as error:
            if not self._warned:
                self._warned = True
                _logger.warning(
                    "%s: frames cannot be kept for other jobs (%s); rendering goes on without",
                    self._folder,
                    error.strerror or error,
                )

    def _path(self, key: str) -> Path:
        return self._folder / key[:2] / f"{key}.png"

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
        for _, bytes_, path in entries:
            if self._total + size <= self._limit * _ROOM_AFTER_EVICTION:
                return
            with contextlib.suppress(OSError):
                Path(path).unlink(missing_ok=True)  # other processes may evict the same
                self._total -= bytes_

    def _entries(self) -> Iterator[tuple[float, int, str]]:
        """Yield time of last use, size and path of every entry; sweep what killed processes left."""
        self._folder.mkdir(parents=True, exist_ok=True)
        old = time.time() - _LEFTOVER_SECONDS
        for path in self._folder.glob("*/*"):
            with contextlib.suppress(OSError):
                status = path.stat()
                if not path.name.startswith(TEMPORARY):
                    yield status.st_mtime, status.st_size, str(path)
                elif status.st_mtime < old:
                    path.unlink()


def _write(path: Path, data: bytes) -> None:
    """Write atomically. Without fsync: what a power cut leaves half of is found out by `get`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with sibling(path) as (temporary, target):
        temporary.write_bytes(data)
        temporary.replace(target)
