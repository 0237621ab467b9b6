"""How much of a machine, and of the way to a folder, the writing of pages may take while frames are rendered."""

from __future__ import annotations

import time

_CORE_SHARE = 0.1
"""Of one core."""
_CLOCK_SHARE = 0.25
"""Of the time: where a page goes to an object store, most of it is spent in waiting, and every request costs."""


class Effort:
    """What the calling thread spends from here on."""

    def __init__(self) -> None:
        self._cpu, self._clock = time.thread_time(), time.monotonic()

    def rest(self, least: float) -> float:
        """Return for how many seconds to write no more, `least` or longer."""
        cpu, clock = time.thread_time() - self._cpu, time.monotonic() - self._clock
        return max(least, cpu / _CORE_SHARE, clock / _CLOCK_SHARE - clock)
