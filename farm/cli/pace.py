"""The rate at which frames are finished."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

_WINDOW = 30.0
"""Seconds of the past that the shown rate is measured over."""


class Rate:
    """Frames per second over the last half minute."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._marks: deque[tuple[float, int]] = deque()

    def start(self) -> None:
        """Begin to measure now, at no frames."""
        self._marks.append((self._clock(), 0))

    def add(self, frames: int) -> None:
        """Count frames that were finished just now."""
        now = self._clock()
        self._marks.append((now, frames))
        while len(self._marks) > 2 and now - self._marks[0][0] > _WINDOW:
            self._marks.popleft()

    @property
    def per_second(self) -> float:
        """Frames per second; 0 before the second mark."""
        if len(self._marks) < 2:
            return 0.0
        seconds = self._clock() - self._marks[0][0]
        return sum(frames for _, frames in list(self._marks)[1:]) / seconds if seconds > 0 else 0.0
