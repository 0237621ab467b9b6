"""Curves as paths of SVG, and the same in words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from farm.records import evenly_spaced
from farm.report.axes import PROBABILITY, Axis, axis_of, tick_text
from farm.report.data import Chart, Curve, FrameSpan

WIDTH, HEIGHT = 1000, 200
"""Units of the drawing, which is stretched to the room that there is."""
MOST_PLOTTED = 2000
"""Frames whose values a page carries."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnCurve:
    """A curve on a page: `values` are those of the plotted frames, `words` say how it runs."""

    label: str
    path: str
    values: tuple[float | None, ...]
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnChart:
    """A chart on a page; ticks from the upper end to the lower, grid lines as heights in the drawing."""

    title: str
    unit: str
    description: str
    probabilities: bool
    ticks: tuple[str, ...]
    grid: tuple[str, ...]
    curves: tuple[DrawnCurve, ...]


def plotted_frames(frame_count: int, shown: Sequence[int]) -> tuple[int, ...]:
    """Return the frames whose values are drawn: all, or of a long job evenly spaced ones and those shown."""
    return tuple(sorted({*evenly_spaced(frame_count, MOST_PLOTTED), *shown}))


def draw(chart: Chart, frames: Sequence[int], frame_count: int) -> DrawnChart:
    """Return a chart of the values at some frames."""
    picked = [_picked(curve, frames) for curve in chart.curves]
    there = (value for values in picked for value in values if value is not None)
    axis = PROBABILITY if chart.probabilities else axis_of(there)
    return DrawnChart(
        title=chart.title,
        unit=chart.unit,
        description=chart.description,
        probabilities=chart.probabilities,
        ticks=tuple(tick_text(tick, axis) for tick in reversed(axis.ticks)),
        grid=tuple(_number(HEIGHT * (1 - axis.height(tick))) for tick in axis.ticks),
        curves=tuple(
            DrawnCurve(
                label=curve.label,
                path=_path(values, frames, axis, frame_count),
                values=values,
                words=in_words(curve.label, values, frames),
            )
            for curve, values in zip(chart.curves, picked, strict=True)
        ),
    )


def across(frame: float, frame_count: int) -> float:
    """Return where a frame lies in the drawing: the first at the left end, the last at the right, one in the middle."""
    return WIDTH * frame / (frame_count - 1) if frame_count > 1 else WIDTH / 2


def band(span: FrameSpan, frame_count: int) -> tuple[str, str]:
    """Return the left end and the width of a span of frames in the drawing, half a frame wider on both sides."""
    left = max(0.0, across(span.first - 0.5, frame_count)) if frame_count > 1 else 0.0
    right = min(float(WIDTH), across(span.last + 0.5, frame_count)) if frame_count > 1 else float(WIDTH)
    return _number(left), _number(max(2.0, right - left))


def in_words(label: str, values: Sequence[float | None], frames: Sequence[int]) -> str:
    """Return how a curve runs: its ends, its lowest and its highest."""
    there = [(frame, value) for frame, value in zip(frames, values, strict=True) if value is not None]
    if not there:
        return f"{label}: no values."
    (first, start), (last, end) = there[0], there[-1]
    lowest, highest = min(there, key=lambda pair: pair[1]), max(there, key=lambda pair: pair[1])
    return (
        f"{label}: {start:.3g} at frame {first}, {end:.3g} at frame {last}; "
        f"lowest {lowest[1]:.3g} at frame {lowest[0]}, highest {highest[1]:.3g} at frame {highest[0]}."
    )


def _picked(curve: Curve, frames: Sequence[int]) -> tuple[float | None, ...]:
    values = (curve.values[frame] if frame < len(curve.values) else None for frame in frames)
    return tuple(float(f"{v:.4g}") if v is not None and math.isfinite(v) else None for v in values)


def _path(values: Sequence[float | None], frames: Sequence[int], axis: Axis, frame_count: int) -> str:
    """Return a line that is broken where there is no value; a value alone is a dot."""
    parts: list[str] = []
    pen_down = False
    for frame, value in zip(frames, values, strict=True):
        if value is None:
            pen_down = False
            continue
        x, y = across(frame, frame_count), HEIGHT * (1 - axis.height(value))
        parts.append(f"{'L' if pen_down else 'M'}{_number(x)} {_number(y)}")
        if not pen_down:
            parts.append("h0")  # a round cap makes it a dot
        pen_down = True
    return "".join(parts)


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
