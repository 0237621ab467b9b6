"""What sets each frame apart, where pictures stand side by side."""

from __future__ import annotations

from farm.plan import Plan
from farm.plan.blends import Grid
from farm.plan.layout import grid_of
from farm.plan.series import Stills
from farm.run.measure.findings import moves

_LONGEST = 160
"""Characters: what a glance takes in."""


def captions(plan: Plan) -> tuple[str, ...]:
    """Return a caption for every frame: a sweep's arguments, a grid's row and column, seed and prompt of stills.

    Empty where frames follow from each other.
    """
    if moves(plan):
        return ()
    motion, layout = plan.motion, grid_of(plan.motion)
    if isinstance(motion, Grid):
        places = (divmod(frame, motion.columns) for frame in range(plan.frame_count))
        return tuple(f"row {row + 1}, column {column + 1}" for row, column in places)
    if layout is not None:
        rows = layout.row_labels or ("",)
        pairs = ((row, column) for row in rows for column in layout.column_labels)
        return tuple(_short(", ".join(filter(None, pair))) for pair in pairs)
    if isinstance(motion, Stills):
        return tuple(_of_still(plan, frame) for frame in range(plan.frame_count))
    return ()


def _of_still(plan: Plan, frame: int) -> str:
    point = plan.motion.at(frame)
    return _short(f"seed {point.noise.seeds[0]}: {point.conditioning.prompts[0]}")


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
