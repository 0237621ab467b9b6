"""The largest change from one frame to the next, by each measure of change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from farm.analyze.columns import CHANGES
from farm.analyze.judge.curves import Curves, array_of
from farm.records import Column

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
