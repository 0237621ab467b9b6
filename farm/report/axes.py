"""Where a chart begins and ends, and the numbers beside it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

_NOTHING = 1e-9
_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """Evenly spaced `ticks`, of which the first is the lower end and the last the upper."""

    ticks: tuple[float, ...]

    @property
    def low(self) -> float:
        """The lower end."""
        return self.ticks[0]

    @property
    def high(self) -> float:
        """The upper end, above the lower."""
        return self.ticks[-1]

    def height(self, value: float) -> float:
        """Return where a value lies, from 0 at the lower end to 1 at the upper."""
        return (value - self.low) / (self.high - self.low)


PROBABILITY = Axis(ticks=(0.0, 0.5, 1.0))


def axis_of(values: Iterable[float], *, intervals: int = 4) -> Axis:
    """Return an axis of at most about `intervals` round steps that holds finite values; 0 to 1 if there are none.

    It starts at 0 if that costs the curves less than half of the height.
    """
    low, high = math.inf, -math.inf
    for value in values:
        low, high = min(low, value), max(high, value)
    if low > high:
        return PROBABILITY
    if 0 < low <= high / 2:
        low = 0.0
    if high - low < 1e-9 * max(1.0, abs(low), abs(high)):
        largest = max(abs(low), abs(high))
        room = largest / 2 if largest > _NOTHING else 0.5
        low, high = low - room, high + room
    step = _round_step((high - low) / intervals)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return Axis(ticks=tuple(place * step for place in range(first, last + 1)))


def _round_step(least: float) -> float:
    power = 10.0 ** math.floor(math.log10(least))
    return next(step * power for step in _STEPS if step * power >= least * (1 - 1e-9))


def tick_text(value: float, axis: Axis) -> str:
    """Return a tick's number, with the decimals that tell it from its neighbours."""
    step = axis.ticks[1] - axis.ticks[0]
    if max(abs(axis.low), abs(axis.high)) >= 1e6 or step < 1e-6:
        return f"{value:.3g}"
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    if round(step, decimals) != round(step, decimals + 1):
        decimals += 1  # steps of 0.25
    return f"{value:.{decimals}f}".replace("-0" if value == 0 else "\0", "0")
