"""Evenly spaced selections of frames."""

from __future__ import annotations


def evenly_spaced(count: int, limit: int) -> tuple[int, ...]:
    """Return at most `limit` of the numbers 0 to `count` - 1, evenly spaced, including the first and the last."""
    chosen = min(count, limit)
    if chosen <= 1:
        return tuple(range(chosen))
    return tuple(round(number * (count - 1) / (chosen - 1)) for number in range(chosen))
