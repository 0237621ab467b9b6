"""The history of a job: a line of JSON for every state that a chunk enters, for people who ask what happened.

On a disk, lines are appended to `.farm/events.jsonl` as they happen. An object store has no append: there they are
buffered, and written as one object a minute below `.farm/events/`. The farm itself decides nothing by the history: an
error ends the recording with a warning, and damaged lines are ignored with one (ADR 21).
"""

from __future__ import annotations

import contextlib
import datetime
import json
import logging
import re
import threading
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
"""Of each of the two files: an attempt takes some 300 bytes."""
_MAX_OBJECTS = 4096
_MAX_OBJECT_BYTES = 2**20
_MAX_REASON = 500
_MAX_LINE_BYTES = 8192
_FLUSH_SECONDS = 60.0
_RUN_ID_LENGTH = 8
_FRAMES = re.compile(rb'"first": (\d{1,16}), "last": (\d{1,16}), ')


class JobHistory:
    """Writes the history of one run; `run` is the id of its lock, `chunks` the number of chunks in the job.

    No method raises: the first error ends the history of this run with a warning.
    """

    def __init__(self, folder: JobFolder, run: str, chunks: int) -> None:
        self._run = run[:_RUN_ID_LENGTH]
        self._where = folder.path(_FILE)
        self._lock = threading.Lock()
        self._log: _Log | None = None
        with self._errors():
            self._log = _FileLog(folder, chunks) if folder.is_local else _ObjectLog(folder, self._run)

    def record(self, event: ChunkStateChanged) -> None:
        """Add an event, with the current time."""
        line = self._line(event)
        with self._lock, self._errors():
            if self._log is not None:
                self._log.write(line)

    def close(self) -> None:
        """Write what is buffered; later events are ignored."""
        with self._lock, self._errors():
            if self._log is not None:
                self._log.close()
            self._log = None

    def _line(self, event: ChunkStateChanged) -> bytes:
        content: dict[str, object] = {
            "time": datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds"),
            "run": self._run,
            "chunk": event.chunk,
            "first": event.first,
            "last": event.last,
            "state": event.state,
            "attempt": event.attempt,
        }
        details = {
            "worker": event.worker,
            "cause": event.cause,
            "reason": one_line(event.reason)[:_MAX_REASON],
        }
        content |= {key: text for key, text in details.items() if text}
        return json.dumps(content).encode() + b"\n"

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except (StorageError, OSError) as error:
            _logger.warning("%s: the history of this run is not recorded further: %s", self._where, error)
            self._log = None


def history_of(folder: JobFolder, frame: int, *, chunks: int) -> Iterator[HistoryEntry]:
    """Yield the entries of a frame's chunk, in the order in which they were written.

    Lines of other frames are skipped unread, a few lines are in memory at a time, and damaged ones are ignored with a
    warning.

    Raises:
        StorageError: when the folder cannot be read.
    """
    damaged = 0
    for line in _lines(folder, chunks):
        found = _FRAMES.search(line)
        if found and not int(found[1]) <= frame <= int(found[2]):
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


class _Log(Protocol):
    def write(self, line: bytes) -> None: ...

    def close(self) -> None: ...


class _FileLog:
    """Appends to a file; a full one is renamed, in place of the one renamed before."""

    def __init__(self, folder: JobFolder, chunks: int) -> None:
        self._folder = folder
        self._max_bytes = _max_bytes(chunks)
        self._file: BinaryIO = folder.open_append(_FILE)
        self._size = self._file.tell()

    def write(self, line: bytes) -> None:
        if self._size + len(line) > self._max_bytes:
            self._file.close()
            self._folder.rename(_FILE, _OLD_FILE)
            self._file = self._folder.open_append(_FILE)
            self._size = self._file.tell()
        self._file.write(line)
        self._size += len(line)

    def close(self) -> None:
        self._file.close()


class _ObjectLog:
    """Writes the lines of each minute as one object, in a thread: a slow store delays nobody."""

    def __init__(self, folder: JobFolder, run: str) -> None:
        self._folder = folder
        self._prefix = f"{datetime.datetime.now(datetime.UTC):%Y%m%dT%H%M%S}-{run}"
        self._number = 0
        self._buffer = bytearray()
        self._lock = threading.Lock()
        self._error: StorageError | None = None
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._flush_regularly, name="job-history", daemon=True)
        self._thread.start()

    def write(self, line: bytes) -> None:
        with self._lock:
            if self._error is not None:
                raise self._error
            self._buffer += line

    def close(self) -> None:
        self._closed.set()
        self._thread.join()
        if self._error is not None:
            raise self._error

    def _flush_regularly(self) -> None:
        try:
            for name in self._folder.names(_OBJECTS)[:-_MAX_OBJECTS]:
                self._folder.remove(f"{_OBJECTS}/{name}")
            closed = False
            while not closed:
                closed = self._closed.wait(_FLUSH_SECONDS)
                self._flush()
        except StorageError as error:
            with self._lock:
                self._error = error
                self._buffer.clear()

    def _flush(self) -> None:
        with self._lock:
            lines, self._buffer = bytes(self._buffer), bytearray()
        while lines:
            end = lines.rfind(b"\n", 0, _MAX_OBJECT_BYTES) + 1
            self._folder.write(f"{_OBJECTS}/{self._prefix}-{self._number:06d}.jsonl", lines[:end])
            self._number += 1
            lines = lines[end:]


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
