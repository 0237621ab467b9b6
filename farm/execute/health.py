"""Which workers keep failing where others succeed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class _Streak:
    folder: str
    failures: int = 0
    contradicted: bool = False


class Health:
    """Failures in a row of each worker, within one job."""

    def __init__(self) -> None:
        self._streaks: dict[str, _Streak] = {}

    def succeeded(self, worker: str, folder: str, *, whole: bool) -> None:
        """Note a chunk done: it ends the worker's streak, and speaks against others that fail on this job.

        One that was not rendered in a `whole` call does not: it was easier.
        """
        self._streaks.pop(worker, None)
        for streak in self._streaks.values():
            if whole and streak.folder == folder:
                streak.contradicted = True

    def failed(self, worker: str, folder: str) -> None:
        """Note a failed attempt."""
        streak = self._streaks.get(worker)
        if streak is None or streak.folder != folder:
            streak = self._streaks[worker] = _Streak(folder)
        streak.failures += 1

    def failures_in_a_row(self, worker: str) -> int:
        """Return the length of the worker's streak."""
        streak = self._streaks.get(worker)
        return streak.failures if streak else 0

    def contradicted(self, worker: str) -> bool:
        """Tell whether another worker finished frames of the same job since the streak began."""
        streak = self._streaks.get(worker)
        return streak is not None and streak.contradicted
