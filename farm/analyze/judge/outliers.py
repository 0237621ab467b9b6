"""Frames that are like neither of their neighbours, which are like each other."""

from __future__ import annotations

import numpy as np

from farm.analyze.judge.curves import Array

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
