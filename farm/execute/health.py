"""Which workers fail where others succeed, with the very same frames."""

from __future__ import annotations

from collections import Counter


class Health:
    """Counts each worker's failures that others made good, since it last succeeded itself.

    Frames that fail wherever they are speak against no worker: a job with a bad frame must not cost a night its
    workers.
    """

    def __init__(self) -> None:
        self._outdone: Counter[str] = Counter()

    def succeeded(self, worker: str) -> None:
        """Note that a worker has finished a chunk."""
        del self._outdone[worker]

    def outdone(self, worker: str) -> None:
        """Note that another worker has finished what this one had failed on."""
        self._outdone[worker] += 1

    def failures_in_a_row(self, worker: str) -> int:
        """Return how many of a worker's latest failures others made good."""
        return self._outdone[worker]
