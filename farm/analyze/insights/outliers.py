"""Changes that stand out: frames unlike both of their neighbours, and the largest jump between two frames."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from farm.analyze.insights.curves import Array, Curves, array_of
from farm.analyze.metrics.columns import CHANGES
from farm.records import Column

OUTLIER_SCORE = 3.5
"""The modified z-score above which a value is an outlier (Iglewicz and Hoaglin 1993, How to Detect and Handle
Outliers)."""

VISIBLE = 0.01
"""Of the range of colour values: smaller changes are invisible, however still the rest of the animation is."""

_MAX_FACTOR = 100
"""Above this multiple the median is close to zero, and an exact factor would say only how close."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Jump:
    """The largest value of a measure of change, from frame `frame - 1` to `frame`.

    `times` is its multiple of the median, None if that is 0; `measured` is the number of changes.
    """

    column: str
    label: str
    frame: int
    value: float
    times: float | None
    measured: int


def outliers(change: Array, flicker: Array) -> tuple[int, ...]:
    """Return the frames that stand out from both neighbours, given `rgb_change` and `flicker` by frame.

    A frame is an outlier if the changes to it and from it both stand out from all changes of the job, by median and
    median absolute deviation, and if it is farther from either neighbour than these are from each other, which by the
    parallelogram law is sqrt(2 (a² + b²) - 4 f²) of the two changes a, b and the flicker f. So a fast but steady
    change is not an outlier, and neither is a cut. The first and last frame have one neighbour and are never outliers.
    """
    if len(change) < 3:
        return ()
    nearer = np.minimum(change[1:-1], change[2:])
    between = 2 * (change[1:-1] ** 2 + change[2:] ** 2) - 4 * flicker[1:-1] ** 2
    # Comparisons with NaN, where something was not measured, are false.
    found = (_scores(nearer, change) > OUTLIER_SCORE) & (nearer > VISIBLE) & (nearer**2 > between)
    return tuple((np.flatnonzero(found) + 1).tolist())


def jumps(columns: Sequence[Column], curves: Curves) -> Iterator[Jump]:
    """Yield the largest jump by every measure of change; of several equal ones the earliest."""
    for column in columns:
        changes = array_of(curves, column.name) if column.name in CHANGES else np.empty(0)
        if not np.isfinite(changes).any():
            continue
        frame, median = int(np.nanargmax(changes)), float(np.nanmedian(changes))
        value = float(changes[frame])
        yield Jump(
            column=column.name,
            label=column.label,
            frame=frame,
            value=value,
            times=value / median if median else None,
            measured=int(np.isfinite(changes).sum()),
        )


def times_the_median(times: float) -> str:
    """Return a multiple of the median in words, with no more digits than are meaningful."""
    if times > _MAX_FACTOR:
        return f"over {_MAX_FACTOR} times the median"
    return f"{times:.1f} times the median" if times < 9.95 else f"{times:.0f} times the median"


def _scores(values: Array, of: Array) -> Array:
    """Return how far values are above the median `of` a curve, as multiples of a robust standard deviation.

    If more than half of the curve is constant, its mean absolute deviation is used, after Iglewicz and Hoaglin.
    """
    known = of[np.isfinite(of)]
    if not len(known):
        return np.full_like(values, np.nan)
    median = np.median(known)
    deviations = np.abs(known - median)
    spread = 1.4826 * np.median(deviations) or 1.2533 * np.mean(deviations)
    return (values - median) / spread if spread else np.zeros_like(values)
