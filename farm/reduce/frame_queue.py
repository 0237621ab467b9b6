"""Frames arrive in any order from many threads and are taken in order by one."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator

_AWAITED, _SKIPPED, _THERE = 0, 1, 2


class Cancelled(Exception):
    """Raised in the thread that takes frames, once nobody wants them any more."""


class Arrivals:
    """Which of the frames 0 to `frame_count` - 1 are there: one byte each."""

    def __init__(self, frame_count: int) -> None:
        self._marks = bytearray(frame_count)
        self._changed = threading.Condition()
        self._complete = False
        self._cancelled = False

    def add(self, frames: Iterable[int]) -> None:
        """Mark frames as there."""
        self._mark(frames, _THERE)

    def skip(self, frames: Iterable[int]) -> None:
        """Mark frames that will not come; one that is there stays there."""
        self._mark(frames, _SKIPPED)

    def complete(self) -> None:
        """Say that no more will come: what is still awaited is skipped."""
        with self._changed:
            self._complete = True
            self._changed.notify_all()

    def cancel(self) -> None:
        """Make the taking thread stop at its next frame."""
        with self._changed:
            self._cancelled = True
            self._changed.notify_all()

    def check(self) -> None:
        """Do nothing, unless nobody wants frames any more.

        Raises:
            Cancelled: after `cancel`.
        """
        if self._cancelled:
            raise Cancelled

    def in_order(self) -> Iterator[int]:
        """Yield the frames that are there in the order of their index, waiting for each.

        Raises:
            Cancelled: after `cancel`.
        """
        for index in range(len(self._marks)):
            with self._changed:
                self._changed.wait_for(lambda: self._marks[index] or self._complete or self._cancelled)  # noqa: B023
            self.check()
            if self._marks[index] == _THERE:
                yield index

    def _mark(self, frames: Iterable[int], mark: int) -> None:
        with self._changed:
            for frame in frames:
                if not 0 <= frame < len(self._marks):
                    raise IndexError(f"frame {frame} is none of the job's {len(self._marks)}")
                self._marks[frame] = max(self._marks[frame], mark)
            self._changed.notify_all()
