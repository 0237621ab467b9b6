"""The history of a job: a line of JSON for each change of a chunk's state, for people who investigate a job.

A thread writes the lines, so that neither a slow store nor a full disk delays the job. On a disk, they are appended to
`.farm/events.jsonl` every second. Object stores have no append: there, one object per minute is written below
`.farm/events/`. No decision of the farm depends on the history: an error ends the recording with a warning, and damaged
lines are ignored with a warning (ADR 21).
"""

from __future__ import annotations

import datetime
import json
import logging
import re
import threading
import time
from collections import deque
from collections.abc import Iterator
from typing import BinaryIO, Protocol

from farm.errors import StorageError, one_line
from farm.events import ChunkStateChanged
from farm.records import HistoryEntry
from farm.store.folder import JobFolder
from farm.store.prefetch import map_in_order
from farm.typed_json import Malformed, parse

_logger = logging.getLogger(__name__)
_FILE = ".farm/events.jsonl"
_OLD_FILE = ".farm/events-1.jsonl"
_OBJECTS = ".farm/events"
_OBJECT = re.compile(r"\d{8}T\d{6}-[0-9a-f]{8}-\d{6}\.jsonl", re.ASCII)
_MIN_BYTES = 16 * 2**20
_BYTES_PER_CHUNK = 4096
"""Limit for each of the two files; an attempt takes about 300 bytes."""
_MAX_OBJECTS = 4096
_MAX_OBJECT_BYTES = 2**20
_MAX_REASON = 500
_MAX_LINE_BYTES = 8192
_FILE_SECONDS = 1.0
_OBJECT_SECONDS = 60.0
_RUN_ID_LENGTH = 8
_FRAMES = re.compile(rb'"first": (\d{1,16}), "last": (\d{1,16}), ')


class JobHistory:
    """Writes the history of one run; `run` is the id of its lock, `chunks` the number of chunks in the job.

    No method raises: the first error ends the history of this run with a warning.
    """

    def __init__(self, folder: JobFolder, run: str, chunks: int) -> None:
        self._run = run[:_RUN_ID_LENGTH]
        self._where = folder.path(_FILE)
        self._sink: _Sink = _FileSink(folder, chunks) if folder.is_local else _ObjectSink(folder, self._run)
        self._recorded: deque[tuple[float, ChunkStateChanged]] = deque()
        self._failed = False
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._write_regularly, name="job-history", daemon=True)
        self._thread.start()

    def record(self, event: ChunkStateChanged) -> None:
        """Add an event, with the current time."""
        if not self._failed and not self._closed.is_set():
            self._recorded.append((time.time(), event))

    def close(self) -> None:
        """Write the remaining events; ignore later ones."""
        self._closed.set()
        self._thread.join()

    def _write_regularly(self) -> None:
        try:
            self._sink.open()
            try:
                is_last = False
                while not is_last:
                    is_last = self._closed.wait(self._sink.interval)
                    self._write()
            finally:
                self._sink.close()
        except (StorageError, OSError) as error:
            self._failed = True
            self._recorded.clear()
            _logger.warning("%s: the history of this run is no longer recorded: %s", self._where, error)

    def _write(self) -> None:
        lines = bytearray()
        while self._recorded:
            lines += self._line(*self._recorded.popleft())
            if len(lines) > _MAX_OBJECT_BYTES - _MAX_LINE_BYTES or not self._recorded:
                self._sink.write(bytes(lines))
                lines.clear()

    def _line(self, seconds: float, event: ChunkStateChanged) -> bytes:
        content: dict[str, object] = {
            "time": datetime.datetime.fromtimestamp(seconds, datetime.UTC).isoformat(timespec="milliseconds"),
            "run": self._run,
            "chunk": event.chunk,
            "first": event.first,
            "last": event.last,
            "state": event.state,
            "attempt": event.attempt,
        }
        if event.worker:
            content["worker"] = event.worker
        if event.cause:
            content["cause"] = event.cause
        if event.reason:
            content["reason"] = one_line(event.reason)[:_MAX_REASON]
        return json.dumps(content).encode() + b"\n"


def history_of(folder: JobFolder, frame: int, *, chunks: int) -> Iterator[HistoryEntry]:
    """Yield the entries of a frame's chunk, in the order of writing.

    Lines of other frames are skipped without parsing, a few lines are in memory at a time, and damaged lines are
    ignored with a warning.

    Raises:
        StorageError: when the folder cannot be read.
    """
    damaged = 0
    for line in _lines(folder, chunks):
        frames = _FRAMES.search(line)
        if frames and not int(frames[1]) <= frame <= int(frames[2]):
            continue
        try:
            entry = parse(line, HistoryEntry)
        except Malformed:
            damaged += 1
            continue
        if entry.first <= frame <= entry.last:
            yield entry
    if damaged:
        _logger.warning("%s: %d damaged lines were ignored", folder.path(_FILE), damaged)


class _Sink(Protocol):
    """A destination of lines, written every `interval` seconds."""

    interval: float

    def open(self) -> None: ...

    def write(self, lines: bytes) -> None: ...

    def close(self) -> None: ...


class _FileSink:
    """Appends to a file; a full file is renamed, replacing the previously renamed one."""

    interval = _FILE_SECONDS

    def __init__(self, folder: JobFolder, chunks: int) -> None:
        self._folder = folder
        self._max_bytes = _max_bytes(chunks)
        self._file: BinaryIO | None = None

    def open(self) -> None:
        self._file = self._folder.open_append(_FILE)

    def write(self, lines: bytes) -> None:
        assert self._file is not None, "write requires open"
        if self._file.tell() + len(lines) > self._max_bytes:
            self._file.close()
            self._folder.rename(_FILE, _OLD_FILE)
            self._file = self._folder.open_append(_FILE)
        self._file.write(lines)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()


class _ObjectSink:
    """Writes numbered objects, after removing the oldest objects of earlier runs."""

    interval = _OBJECT_SECONDS

    def __init__(self, folder: JobFolder, run: str) -> None:
        self._folder = folder
        self._prefix = f"{datetime.datetime.now(datetime.UTC):%Y%m%dT%H%M%S}-{run}"
        self._number = 0

    def open(self) -> None:
        for name in self._folder.names(_OBJECTS)[:-_MAX_OBJECTS]:
            self._folder.remove(f"{_OBJECTS}/{name}")

    def write(self, lines: bytes) -> None:
        self._folder.write(f"{_OBJECTS}/{self._prefix}-{self._number:06d}.jsonl", lines)
        self._number += 1

    def close(self) -> None:
        """Do nothing: an object is complete when it is written."""


def _lines(folder: JobFolder, chunks: int) -> Iterator[bytes]:
    if folder.is_local:
        for name in (_OLD_FILE, _FILE):
            yield from folder.lines(name, max_line=_MAX_LINE_BYTES, max_bytes=_max_bytes(chunks))
        return
    names = [name for name in folder.names(_OBJECTS) if _OBJECT.fullmatch(name)][-2 * _MAX_OBJECTS :]

    def read(name: str) -> bytes:
        return folder.read(f"{_OBJECTS}/{name}", max_bytes=_MAX_OBJECT_BYTES)

    for part in map_in_order(read, names, concurrency=folder.concurrent_reads):
        yield from part.splitlines()


def _max_bytes(chunks: int) -> int:
    return max(_MIN_BYTES, chunks * _BYTES_PER_CHUNK)
