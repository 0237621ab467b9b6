"""A queue of frames: many threads add them in any order, one thread takes them in order."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator

_AWAITED, _SKIPPED, _AVAILABLE = 0, 1, 2


class Cancelled(Exception):
    """Raised in the thread that takes frames, after the queue was cancelled."""


class FrameQueue:
    """The availability of frames 0 to `frame_count` - 1, one byte each."""

    def __init__(self, frame_count: int) -> None:
        self._marks = bytearray(frame_count)
        self._changed = threading.Condition()
        self._closed = False
        self._cancelled = False

    def add(self, frames: Iterable[int]) -> None:
        """Mark frames as available."""
        self._mark(frames, _AVAILABLE)

    def skip(self, frames: Iterable[int]) -> None:
        """Mark frames that will not become available; an available frame remains available."""
        self._mark(frames, _SKIPPED)

    def close(self) -> None:
        """Close the queue: frames still awaited are skipped."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def cancel(self) -> None:
        """Make the thread that takes frames stop at its next one."""
        with self._changed:
            self._cancelled = True
            self._changed.notify_all()

    def check(self) -> None:
        """Do nothing unless the queue was cancelled.

        Raises:
            Cancelled: after `cancel`.
        """
        if self._cancelled:
            raise Cancelled

    def in_order(self) -> Iterator[int]:
        """Yield the available frames in the order of their index, waiting for each.

        Raises:
            Cancelled: after `cancel`.
        """
        for index in range(len(self._marks)):
            with self._changed:
                self._changed.wait_for(lambda: self._marks[index] or self._closed or self._cancelled)  # noqa: B023
            self.check()
            if self._marks[index] == _AVAILABLE:
                yield index

    def _mark(self, frames: Iterable[int], mark: int) -> None:
        with self._changed:
            for frame in frames:
                if not 0 <= frame < len(self._marks):
                    raise IndexError(f"no frame {frame} in a job of {len(self._marks)}")
                self._marks[frame] = max(self._marks[frame], mark)
            self._changed.notify_all()
