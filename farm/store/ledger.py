"""The durable record of which frames exist: one small file per finished chunk, written after its frames."""

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
from farm.store.ahead import in_order
from farm.store.folder import JobFolder
from farm.store.frames import file_name
from farm.typed_json import MOST_BYTES, Malformed, read

_logger = logging.getLogger(__name__)
_FOLDER = ".farm/ledger"
_PART = re.compile(r"frame(\d{6,9})-(\d{6,9})\.jsonl", re.ASCII)
_Part = tuple[int, int, str]
"""First frame, last frame and name of a file of the ledger."""


def is_whole(folder: JobFolder, row: FrameRow) -> bool:
    """Tell whether a recorded frame's file is there, bit for bit as it was written.

    Raises:
        StorageError: when a remote store does not answer. On a disk what cannot be read is a hole.
    """
    try:
        found = folder.find(row.file_name)
    except StorageError:
        if folder.is_local:
            return False
        raise
    return found is not None and hashlib.sha256(found).hexdigest() == row.file_sha256


class Ledger:
    """Rows of the frames in a job folder.

    Each part is named by its first and last frame and holds one JSON object a line, and the checksum of these lines
    on the last; a chunk that is rendered again replaces its part. Where parts overlap (after a change of batch
    size) the later row counts.
    """

    def __init__(self, folder: JobFolder) -> None:
        self._folder = folder

    def commit(self, rows: Sequence[FrameRow]) -> None:
        """Record frames whose files are already written."""
        lines = "".join(json.dumps(dataclasses.asdict(row), sort_keys=True) + "\n" for row in rows).encode()
        first, last = min(row.frame for row in rows), max(row.frame for row in rows)
        self._folder.write(f"{_FOLDER}/{_named(first, last)}", lines + _checksum(lines))

    def retire(self, is_obsolete: Callable[[int, int], bool]) -> None:
        """Remove parts by their first and last frame: what overlaps a chunk that is to be rendered, and is not its own.

        Times of writing tell the later of two rows, but not when a clock was wrong.
        """
        for first, last, file in self._parts():
            if is_obsolete(first, last):
                self._folder.remove(f"{_FOLDER}/{file}")

    def rows(self, first: int = 0, last: int | None = None) -> Iterator[FrameRow]:
        """Yield the latest row of every recorded frame from `first` to `last` (None: to the end), in order.

        A few parts are in memory at a time. One that is damaged counts as absent: its frames are rendered again
        and replace it.
        """
        waiting: dict[int, FrameRow] = {}
        parts = (part for part in self._parts() if part[1] >= first and (last is None or part[0] <= last))
        for start, rows in in_order(self._read, parts, at_once=self._folder.at_once):
            # Parts come by their first frame, so no later one speaks of a frame before it.
            yield from _taken(waiting, first, start)
            for row in rows:
                known = waiting.get(row.frame)
                if known is None or row.rendered_at >= known.rendered_at:
                    waiting[row.frame] = row
        yield from _taken(waiting, first, sys.maxsize if last is None else last + 1)

    def _parts(self) -> list[_Part]:
        matches = map(_PART.fullmatch, self._folder.names(_FOLDER))
        parts = ((int(match[1]), int(match[2]), match[0]) for match in matches if match)
        return sorted(
            (first, last, file)
            for first, last, file in parts
            if first <= last and file == _named(first, last)
        )

    def _read(self, part: _Part) -> tuple[int, list[FrameRow]]:
        first, last, file = part
        name = f"{_FOLDER}/{file}"
        try:
            return first, _rows(self._folder.read(name, most=MOST_BYTES), range(first, last + 1))
        except (Malformed, TooLarge) as error:
            _logger.warning(
                "%s is damaged (%s); its frames are rendered again", self._folder.path(name), error
            )
            return first, []


def _named(first: int, last: int) -> str:
    return f"frame{first:06d}-{last:06d}.jsonl"


def _rows(part: bytes, frames: range) -> list[FrameRow]:
    """Return the rows of a part, which are of these frames.

    Raises:
        Malformed: when it is not as `commit` writes it.
    """
    *lines, last = part.splitlines(keepends=True) or [b""]
    if last != _checksum(b"".join(lines)):
        raise Malformed("its checksum is another")
    rows = [read(line, FrameRow) for line in lines]
    for row in rows:
        if row.frame not in frames or row.file_name != file_name(row.frame):
            raise Malformed("a row is of another frame, or of another file than its frame's")
    return rows


def _checksum(lines: bytes) -> bytes:
    """Return the last line of a part: a flipped bit may leave good JSON that tells of another frame."""
    return f'{{"sha256": "{hashlib.sha256(lines).hexdigest()}"}}\n'.encode()


def _taken(waiting: dict[int, FrameRow], first: int, stop: int) -> list[FrameRow]:
    """Take out the rows of frames below `stop` and return those from `first` on, in order."""
    ready = sorted(frame for frame in waiting if frame < stop)
    return [row for frame in ready if (row := waiting.pop(frame)).frame >= first]
