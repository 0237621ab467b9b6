"""Which of many frames stand for all."""

from __future__ import annotations


def evenly_spaced(count: int, most: int) -> tuple[int, ...]:
    """Return at most `most` of the numbers 0 to `count` - 1, evenly spaced, with the first and the last."""
    shown = min(count, most)
    if shown <= 1:
        return tuple(range(shown))
    return tuple(round(place * (count - 1) / (shown - 1)) for place in range(shown))
