"""Curves as arrays: one value per frame of the job, NaN where nothing was measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from farm.analyze.metrics.columns import LABELS
from farm.records import Column, Value

Array = npt.NDArray[np.float64]
Curves = Mapping[str, Sequence[Value]]
"""The values of each column, by frame, from frame 0; None where nothing was measured."""


def array_of(curves: Curves, column: str) -> Array:
    """Return the numbers of a column by frame, NaN for None; all NaN for a column that was not measured."""
    if column not in curves:
        return np.full(max(map(len, curves.values()), default=0), np.nan)
    values = (np.nan if value is None else float(value) for value in curves[column])
    return np.fromiter(values, dtype=np.float64)


def label_groups(columns: Sequence[Column]) -> dict[str, list[Column]]:
    """Return the probability columns of each label group, by the group's name, in order."""
    groups: dict[str, list[Column]] = {}
    for column in columns:
        if column.group.startswith(LABELS) and column.unit == "probability":
            groups.setdefault(column.group.removeprefix(LABELS), []).append(column)
    return groups
