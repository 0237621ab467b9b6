"""The layout and labels of the grid picture of a grid or a sweep."""

from __future__ import annotations

import math
from collections.abc import Sequence

from farm.plan.motions import GridMotion, Motion, SweepMotion
from farm.records import GridSpec, Scalar, SchedulerSpec


def grid_of(motion: Motion) -> GridSpec | None:
    """Return the layout of `grid.png`; a sweep has its last axis across and the others down. None for other motions."""
    if isinstance(motion, GridMotion):
        return GridSpec(rows=motion.rows, columns=motion.columns, row_labels=(), column_labels=(), title="")
    if not isinstance(motion, SweepMotion):
        return None
    *down, across = [[_label(name, value, values) for value in values] for name, values in motion.axes]
    row_labels = _product(down)
    return GridSpec(
        rows=math.prod(len(labels) for labels in down),
        columns=len(across),
        row_labels=row_labels if down else (),
        column_labels=tuple(across),
        title=motion.prompt,
    )


def _label(name: str, value: Scalar | SchedulerSpec, values: Sequence[Scalar | SchedulerSpec]) -> str:
    """Return the label of a value of an axis; schedulers of equal class are distinguished by their configuration."""
    if isinstance(value, SchedulerSpec):
        same_class = [other for other in values if getattr(other, "class_name", "") == value.class_name]
        config = [f"{key} {setting}" for key, setting in value.config.items()] if len(same_class) > 1 else []
        return ", ".join([value.class_name.removesuffix("Scheduler"), *config])
    return f"{name} {value:g}" if isinstance(value, (int, float)) else f"{name} {value}"


def _product(axes: list[list[str]]) -> tuple[str, ...]:
    combined = [""]
    for labels in axes:
        combined = [f"{left}, {label}" if left else label for left in combined for label in labels]
    return tuple(combined)
