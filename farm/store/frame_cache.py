"""A cache of frames that jobs share on one disk, by a digest of everything that determines pixels; bounded in size."""

from __future__ import annotations

import contextlib
import io
import logging
import re
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, PngImagePlugin

from farm.records import Pixels
from farm.store.directory import TEMPORARY, Directory, opened
from farm.store.frames import content_sha256, read_png

_logger = logging.getLogger(__name__)
_ABANDONED_SECONDS = 3600.0
_SIZE_AFTER_EVICTION = 0.9
"""As a fraction of the limit."""
_RESCAN_AFTER = 0.05
"""Fraction of the limit that this process stores before it scans for entries of other processes."""
_MAX_ENTRY_BYTES = 2**28
"""Larger than any PNG of 8192x8192 pixels."""
_FOLDER_NAME = re.compile("[0-9a-f]{2}")
_ENTRY_NAME = re.compile(r"[0-9a-f]{64}\.png")


@dataclass(frozen=True, slots=True, kw_only=True)
class CachedFrame:
    """A frame's pixels, the scheduler class that sampled it, and the device that rendered it."""

    pixels: Pixels
    scheduler: str
    device: str


class FrameCache:
    """A cache in `folder` of at most `limit_bytes`, shared by any number of processes.

    The least recently used entries are evicted, by the modification times of their files, which `get` renews. Between
    two scans of the folder, each process may exceed the limit by a twentieth. No failure here fails a render: an
    unreadable entry counts as absent, and failed writes are skipped, with a warning the first time. Links are not
    followed, pipes do not block, and files with other names than entries are ignored.
    """

    def __init__(self, folder: Path, limit_bytes: int) -> None:
        self._folder = folder
        self._limit = limit_bytes
        self._total: int | None = None
        self._unscanned = 0
        self._has_warned = False

    def get(self, key: str) -> CachedFrame | None:
        """Return the frame of a key of 64 hex digits, or None if it is not cached; remove a damaged entry."""
        try:
            with opened(str(self._folder), (key[:2],)) as folder:
                return _get(folder, key)
        except OSError:
            return None

    def put(self, key: str, frame: CachedFrame) -> None:
        """Store the frame of a key of 64 hex digits, unless it alone exceeds the limit."""
        data = _encode(frame, key)
        if len(data) > self._limit:
            return
        try:
            self._make_room(len(data))
            # No fsync: `get` detects a file that a power failure truncated.
            with opened(str(self._folder), (key[:2],), make=True) as folder:
                folder.write(_file_name(key), data, durable=False)
        except OSError as error:
            if not self._has_warned:
                self._has_warned = True
                _logger.warning(
                    "%s: frames cannot be cached (%s); rendering continues without the cache",
                    self._folder,
                    error.strerror or error,
                )

    def _make_room(self, size: int) -> None:
        """Evict the least recently used entries until `size` more bytes are within the limit."""
        if (
            self._total is None
            or self._total + size > self._limit
            or self._unscanned > self._limit * _RESCAN_AFTER
        ):
            self._scan(size)
        assert self._total is not None, "a scan sets it"
        self._total += size
        self._unscanned += size

    def _scan(self, size: int) -> None:
        entries = sorted(self._entries())
        self._total, self._unscanned = sum(bytes_ for _, bytes_, _ in entries), 0
        if self._total + size <= self._limit:
            return
        for _, bytes_, name in entries:
            if self._total + size <= self._limit * _SIZE_AFTER_EVICTION:
                return
            with contextlib.suppress(OSError), opened(str(self._folder), (name[:2],)) as folder:
                folder.remove(name)  # other processes may evict the same entry
                self._total -= bytes_

    def _entries(self) -> Iterator[tuple[float, int, str]]:
        """Yield the last use, size and name of each entry; remove the temporary files of killed processes."""
        with Directory.open(str(self._folder), make=True) as cache:
            names = sorted(entry.name for entry in cache.entries() if _FOLDER_NAME.fullmatch(entry.name))
            for name in names:
                with contextlib.suppress(OSError), cache.enter(name) as folder:
                    yield from _entries_in(folder)


def _entries_in(folder: Directory) -> Iterator[tuple[float, int, str]]:
    abandoned = time.time() - _ABANDONED_SECONDS
    for name in [entry.name for entry in folder.entries()]:
        with contextlib.suppress(OSError):
            status = folder.status(name)
            if not stat.S_ISREG(status.st_mode):
                continue
            if _ENTRY_NAME.fullmatch(name):
                yield status.st_mtime, status.st_size, name
            elif name.startswith(TEMPORARY) and status.st_mtime < abandoned:
                folder.remove(name)


def _get(folder: Directory, key: str) -> CachedFrame | None:
    name = _file_name(key)
    frame = _decode(folder.read(name, _MAX_ENTRY_BYTES), key)
    with contextlib.suppress(OSError):
        if frame is None:
            folder.remove(name)
        else:
            folder.touch(name)
    return frame


def _file_name(key: str) -> str:
    return f"{key}.png"


def _encode(frame: CachedFrame, key: str) -> bytes:
    """Return an entry's file, a PNG whose text chunks reveal any damage."""
    text = PngImagePlugin.PngInfo()
    for name, value in _texts(frame, key).items():
        text.add_itxt(name, value)
    buffer = io.BytesIO()
    Image.fromarray(frame.pixels).save(buffer, format="png", pnginfo=text, compress_level=1)
    return buffer.getvalue()


def _decode(data: bytes, key: str) -> CachedFrame | None:
    """Return the frame in an entry's file, or None if it is damaged or belongs to another key."""
    try:
        pixels, text = read_png(data)
        frame = CachedFrame(pixels=pixels, scheduler=text["scheduler"], device=text["device"])
    except (ValueError, KeyError):
        return None
    return frame if text == _texts(frame, key) else None


def _texts(frame: CachedFrame, key: str) -> dict[str, str]:
    return {
        "key": key,
        "scheduler": frame.scheduler,
        "device": frame.device,
        "content_sha256": content_sha256(frame.pixels),
    }
