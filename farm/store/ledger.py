"""The durable record of finished frames: one small file per chunk, written after the chunk's frames."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import logging
import re
import sys
from collections.abc import Callable, Iterator, Sequence

from farm.errors import StorageError, TooLarge
from farm.records import FrameRow
from farm.store.folder import JobFolder
from farm.store.frames import file_name
from farm.store.prefetch import map_in_order
from farm.typed_json import MAX_BYTES, Malformed, parse

_logger = logging.getLogger(__name__)
_FOLDER = ".farm/ledger"
_PART = re.compile(r"frame(\d{6,9})-(\d{6,9})\.jsonl", re.ASCII)
_Part = tuple[int, int, str]
"""First frame, last frame and name of a ledger file."""


def is_intact(folder: JobFolder, row: FrameRow) -> bool:
    """Return whether the file of a recorded frame is bit for bit as written.

    Raises:
        StorageError: when a remote store is down. On a disk, an unreadable file counts as missing.
    """
    try:
        content = folder.find(row.file_name)
    except StorageError:
        if folder.is_local:
            return False
        raise
    return content is not None and hashlib.sha256(content).hexdigest() == row.file_sha256


class Ledger:
    """Rows of the finished frames in a job folder.

    Each part is a file named by its first and last frame: one JSON object per line, then a checksum of these lines.
    Rendering a chunk again replaces its part. If parts overlap after a change of the batch size, the later row counts.
    """

    def __init__(self, folder: JobFolder) -> None:
        self._folder = folder

    def commit(self, rows: Sequence[FrameRow]) -> None:
        """Record frames whose files have been written."""
        lines = "".join(json.dumps(dataclasses.asdict(row), sort_keys=True) + "\n" for row in rows).encode()
        first, last = min(row.frame for row in rows), max(row.frame for row in rows)
        self._folder.write(f"{_FOLDER}/{_part_name(first, last)}", lines + _checksum(lines))

    def remove_parts(self, is_obsolete: Callable[[int, int], bool]) -> None:
        """Remove parts by their first and last frame, if they overlap a chunk to render but are not its own.

        The times in their rows do not reliably tell which one is later, since clocks may be wrong.
        """
        for first, last, file in self._parts():
            if is_obsolete(first, last):
                self._folder.remove(f"{_FOLDER}/{file}")

    def rows(self, first: int = 0, last: int | None = None) -> Iterator[FrameRow]:
        """Yield the latest row of each recorded frame from `first` to `last` (None: to the end), in order.

        Only a few parts are in memory at a time. A damaged part counts as missing, and is replaced when its frames are
        rendered again.
        """
        pending: dict[int, FrameRow] = {}
        parts = (part for part in self._parts() if part[1] >= first and (last is None or part[0] <= last))
        for start, rows in map_in_order(self._read, parts, concurrency=self._folder.concurrent_reads):
            # Parts are sorted by their first frame, so no later part has a frame before it.
            yield from _pop(pending, first, start)
            for row in rows:
                earlier = pending.get(row.frame)
                if earlier is None or row.rendered_at >= earlier.rendered_at:
                    pending[row.frame] = row
        yield from _pop(pending, first, sys.maxsize if last is None else last + 1)

    def _parts(self) -> list[_Part]:
        matches = map(_PART.fullmatch, self._folder.names(_FOLDER))
        parts = ((int(match[1]), int(match[2]), match[0]) for match in matches if match)
        return sorted(
            (first, last, file)
            for first, last, file in parts
            if first <= last and file == _part_name(first, last)
        )

    def _read(self, part: _Part) -> tuple[int, list[FrameRow]]:
        first, last, file = part
        name = f"{_FOLDER}/{file}"
        try:
            return first, _rows(self._folder.read(name, max_bytes=MAX_BYTES), range(first, last + 1))
        except (Malformed, TooLarge) as error:
            _logger.warning(
                "%s is damaged (%s); its frames are rendered again", self._folder.path(name), error
            )
            return first, []


def _part_name(first: int, last: int) -> str:
    return f"frame{first:06d}-{last:06d}.jsonl"


def _rows(part: bytes, frames: range) -> list[FrameRow]:
    """Return the rows of a part, which must belong to these frames.

    Raises:
        Malformed: when the part does not have the form that `commit` writes.
    """
    *lines, last = part.splitlines(keepends=True) or [b""]
    if last != _checksum(b"".join(lines)):
        raise Malformed("its checksum does not match")
    rows = [parse(line, FrameRow) for line in lines]
    for row in rows:
        if row.frame not in frames or row.file_name != file_name(row.frame):
            raise Malformed("a row belongs to another frame, or names another frame's file")
    return rows


def _checksum(lines: bytes) -> bytes:
    """Return the last line of a part, which detects a flipped bit that leaves valid JSON about another frame."""
    return f'{{"sha256": "{hashlib.sha256(lines).hexdigest()}"}}\n'.encode()


def _pop(pending: dict[int, FrameRow], first: int, stop: int) -> list[FrameRow]:
    """Remove the rows of frames below `stop`, and return those from `first` on, in order."""
    ready = sorted(frame for frame in pending if frame < stop)
    return [row for frame in ready if (row := pending.pop(frame)).frame >= first]
