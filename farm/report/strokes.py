"""Curves as paths of SVG: lines where values follow each other, dots where they stand alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from farm.report.axes import Axis

WIDTH, HEIGHT = 1000, 200
"""Units of the drawing, which is stretched to the room that there is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Strokes:
    """Paths of one curve. Every piece of `dots` has no length: a round cap makes it a dot."""

    line: str
    dots: str


def across(frame: float, frame_count: int) -> float:
    """Return where a frame lies in the drawing: the first at the left end, the last at the right, one in the middle."""
    return WIDTH * frame / (frame_count - 1) if frame_count > 1 else WIDTH / 2


def strokes(
    values: Sequence[float | None], frames: Sequence[int], axis: Axis, frame_count: int, *, points: bool
) -> Strokes:
    """Return a line that is broken where there is no value, and dots for values alone; for all with `points`."""
    line: list[str] = []
    dots: list[str] = []
    around = (None, *values, None)
    for place, (frame, value) in enumerate(zip(frames, values, strict=True), start=1):
        if value is None:
            continue
        spot = f"{number(across(frame, frame_count))} {number(HEIGHT * (1 - axis.height(value)))}"
        goes_on = around[place - 1] is not None
        if points or (not goes_on and around[place + 1] is None):
            dots.append(f"M{spot}h0")
        else:
            line.append(f"{'L' if goes_on else 'M'}{spot}")
    return Strokes(line="".join(line), dots="".join(dots))


def number(value: float) -> str:
    """Return a number of the drawing's units, as short as can be seen."""
    return f"{value:.1f}".removesuffix(".0")
