"""The ledger's rows of frames that arrived and are not measured yet, for any number of them in flat memory."""

from __future__ import annotations

import threading
from collections.abc import Iterable

from farm.errors import StorageError
from farm.records import FrameRow
from farm.store import JobFolder, Ledger

_MOST = 1000
"""Rows. Measuring that lags behind looks into the ledger once for so many frames."""


class ArrivedRows:
    """Added by any thread, taken by one in the order of frames. The next ones are held, the rest is in the ledger."""

    def __init__(self, folder: JobFolder, frame_count: int, *, most: int = _MOST) -> None:
        self._folder = folder
        self._most = most
        self._there = bytearray(frame_count)
        self._held: dict[int, FrameRow] = {}
        self._next = 0
        self._lock = threading.Lock()

    def add(self, rows: Iterable[FrameRow]) -> None:
        """Add rows that the ledger has by now."""
        with self._lock:
            for row in rows:
                self._there[row.frame] = True
                self._hold(row)

    def add_kept(self, frames: Iterable[int]) -> None:
        """Add frames whose rows the ledger has."""
        with self._lock:
            for frame in frames:
                self._there[frame] = True

    def take(self, frame: int) -> FrameRow:
        """Return the row of a frame that was added; no earlier one is asked for after it.

        Raises:
            StorageError: when the ledger cannot be read, or has lost the row.
        """
        with self._lock:
            self._next = frame
            known = frame in self._held
            # Only what is there now has its last row: others may still be rendered anew.
            there = bytes(self._there[frame : frame + self._most])
        if not known:
            self._read(frame, there)
        with self._lock:
            self._next = frame + 1
            row = self._held.pop(frame, None)
        if row is None:
            raise StorageError(
                f"{self._folder.url}: the ledger has no row of frame {frame} any more; "
                "farm render makes the frame again."
            )
        return row

    def _read(self, first: int, there: bytes) -> None:
        for row in Ledger(self._folder).rows(first=first, last=first + len(there) - 1):
            if there[row.frame - first]:
                with self._lock:
                    self._hold(row)

    def _hold(self, row: FrameRow) -> None:
        """Hold a row, and let go of the one that is asked for last where they are too many."""
        if row.frame >= self._next:
            self._held[row.frame] = row
            if len(self._held) > self._most:
                del self._held[max(self._held)]
