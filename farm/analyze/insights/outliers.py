"""Frames that are like neither of their neighbours, which are like each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from farm.analyze.insights.transitions import Array, Curves, array_of
from farm.analyze.metrics.analyzer import CHANGES
from farm.records import Column

STANDS_OUT = 3.5
"""The modified z-score above which a value is an outlier (Iglewicz and Hoaglin 1993, How to Detect and Handle
Outliers)."""

VISIBLE = 0.01
"""Of the range of colour values: what changes less is not seen, however still the rest of the animation stands."""


def outliers(change: Array, flicker: Array) -> tuple[int, ...]:
    """Return the frames that stand out from both neighbours.

    `change` is `rgb_change` by frame, `flicker` likewise. A frame is an outlier if the changes to it and from it both
    stand out of all changes of the job, by median and median absolute deviation, and if it is farther from either
    neighbour than these are from each other, which by the parallelogram law is sqrt(2 (a² + b²) - 4 f²) of the two
    changes a, b and the flicker f. By that a fast but steady change, or a cut, is none. The first and last frame have
    one neighbour and are not judged.
    """
    if len(change) < 3:
        return ()
    nearer = np.minimum(change[1:-1], change[2:])
    between = 2 * (change[1:-1] ** 2 + change[2:] ** 2) - 4 * flicker[1:-1] ** 2
    # Comparisons with NaN, where something was not measured, are false.
    found = (_scores(nearer, change) > STANDS_OUT) & (nearer > VISIBLE) & (nearer**2 > between)
    return tuple((np.flatnonzero(found) + 1).tolist())


def _scores(values: Array, of: Array) -> Array:
    """Return by how much values are above the median `of` a curve, as multiples of a robust standard deviation.

    Where more than half of the curve is the same, its mean absolute deviation stands in, as Iglewicz and Hoaglin say.
    """
    known = of[np.isfinite(of)]
    if not len(known):
        return np.full_like(values, np.nan)
    median = np.median(known)
    deviations = np.abs(known - median)
    spread = 1.4826 * np.median(deviations) or 1.2533 * np.mean(deviations)
    return (values - median) / spread if spread else np.zeros_like(values)


_COUNTLESS = 100
"""Beyond so many times the median is next to nothing, and the factor says how near rather than how large."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Jump:
    """From frame `frame - 1` to `frame` a measure of change is largest: `times` its median, None if that is 0.

    `measured` changes were.
    """

    column: str
    label: str
    frame: int
    value: float
    times: float | None
    measured: int


def jumps(columns: Sequence[Column], curves: Curves) -> Iterator[Jump]:
    """Yield the largest jump by every measure of change that was taken; of several equal ones the earliest."""
    for column in columns:
        changes = array_of(curves, column.name) if column.name in CHANGES else np.empty(0)
        if not np.isfinite(changes).any():
            continue
        frame, median = int(np.nanargmax(changes)), float(np.nanmedian(changes))
        value = float(changes[frame])
        times = value / median if median else None
        yield Jump(
            column=column.name,
            label=column.label,
            frame=frame,
            value=value,
            times=times,
            measured=int(np.isfinite(changes).sum()),
        )


def times_the_median(times: float) -> str:
    """Return how a change compares to the median one, in no more digits than mean something."""
    if times > _COUNTLESS:
        return f"over {_COUNTLESS} times the median"
    return f"{times:.1f} times the median" if times < 9.95 else f"{times:.0f} times the median"
