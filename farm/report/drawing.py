"""Charts as a page draws them, and the same in words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from farm.records import evenly_spaced
from farm.report.axes import PROBABILITY, axis_of, tick_text
from farm.report.data import Chart, Curve, FrameSpan
from farm.report.strokes import HEIGHT, WIDTH, Strokes, across, number, strokes
from farm.report.wording import percent

MOST_PLOTTED = 2000
"""Frames whose values a page carries."""
MOST_DRAWN = 8
"""Curves of a chart: as many colours as are told apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnCurve:
    """A curve on a page: `values` are those of the plotted frames, `words` say how it runs.

    `strokes` is None where there are too many: it stands in the table only.
    """

    label: str
    strokes: Strokes | None
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

    @property
    def drawn(self) -> tuple[int, ...]:
        """Which of the curves are drawn."""
        return tuple(place for place, curve in enumerate(self.curves) if curve.strokes is not None)


def plotted_frames(frame_count: int, shown: Sequence[int]) -> tuple[int, ...]:
    """Return the frames whose values are drawn: all, or of a long job evenly spaced ones and those shown."""
    return tuple(sorted({*evenly_spaced(frame_count, MOST_PLOTTED), *shown}))


def draw(chart: Chart, frames: Sequence[int], frame_count: int) -> DrawnChart | None:
    """Return a chart of the values at some frames, None if it has none; of many curves it draws the highest."""
    picked = [_picked(curve, frames) for curve in chart.curves]
    drawn = highest(picked)
    there = [value for place in drawn for value in picked[place] if value is not None]
    if not there:
        return None
    axis = PROBABILITY if chart.probabilities else axis_of(there)
    return DrawnChart(
        title=chart.title,
        unit=chart.unit,
        description=chart.description,
        probabilities=chart.probabilities,
        ticks=tuple(
            percent(tick) if chart.probabilities else tick_text(tick, axis) for tick in reversed(axis.ticks)
        ),
        grid=tuple(number(HEIGHT * (1 - axis.height(tick))) for tick in axis.ticks),
        curves=tuple(
            DrawnCurve(
                label=curve.label,
                strokes=strokes(values, frames, axis, frame_count, points=chart.points)
                if place in drawn
                else None,
                values=values,
                words=in_words(curve.label, values, frames, probabilities=chart.probabilities),
            )
            for place, (curve, values) in enumerate(zip(chart.curves, picked, strict=True))
        ),
    )


def highest(curves: Sequence[Sequence[float | None]]) -> tuple[int, ...]:
    """Return which curves are drawn, in their order: those that ever rise highest."""
    tops = [max((value for value in values if value is not None), default=-math.inf) for values in curves]
    return tuple(sorted(sorted(range(len(curves)), key=lambda place: -tops[place])[:MOST_DRAWN]))


def band(span: FrameSpan, frame_count: int) -> tuple[str, str]:
    """Return the left end and the width of a span of frames in the drawing, half a frame wider on both sides."""
    left = max(0.0, across(span.first - 0.5, frame_count)) if frame_count > 1 else 0.0
    right = min(float(WIDTH), across(span.last + 0.5, frame_count)) if frame_count > 1 else float(WIDTH)
    return number(left), number(max(2.0, right - left))


def in_words(
    label: str, values: Sequence[float | None], frames: Sequence[int], *, probabilities: bool = False
) -> str:
    """Return how a curve runs: its ends, its lowest and its highest."""
    there = [(frame, value) for frame, value in zip(frames, values, strict=True) if value is not None]
    if not there:
        return f"{label}: no values."
    lowest, highest = min(there, key=lambda pair: pair[1]), max(there, key=lambda pair: pair[1])
    start, end, low, high = (
        f"{percent(value) if probabilities else format(value, '.3g')} at frame {frame}"
        for frame, value in (there[0], there[-1], lowest, highest)
    )
    return f"{label}: {start}, {end}; lowest {low}, highest {high}."


def _picked(curve: Curve, frames: Sequence[int]) -> tuple[float | None, ...]:
    values = (curve.values[frame] if frame < len(curve.values) else None for frame in frames)
    return tuple(float(f"{v:.4g}") if v is not None and math.isfinite(v) else None for v in values)
