"""Charts: axes, curves as SVG paths, and the same in words."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from farm.records import evenly_spaced
from farm.report.data import Chart, ChartCurve, FrameSpan
from farm.report.wording import percent

WIDTH, HEIGHT = 1000, 200
"""Units of the drawing, which is stretched to the available space."""

MAX_PLOTTED = 2000
"""Frames whose values a page contains."""

MAX_CURVES = 8
"""Curves in a chart: as many colours as can be distinguished."""

_EPSILON = 1e-9
_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
"""Round steps of an axis, times a power of ten."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """An axis with evenly spaced `ticks`, the first at the lower end and the last at the upper."""

    ticks: tuple[float, ...]

    @property
    def low(self) -> float:
        """The lower end."""
        return self.ticks[0]

    @property
    def high(self) -> float:
        """The upper end, above the lower."""
        return self.ticks[-1]

    def height(self, value: float) -> float:
        """Return the position of a value, from 0 at the lower end to 1 at the upper."""
        return (value - self.low) / (self.high - self.low)


PROBABILITY = Axis(ticks=(0.0, 0.5, 1.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class CurvePath:
    """SVG paths of one curve. The pieces of `dots` have no length: their round caps are the dots."""

    line: str
    dots: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnCurve:
    """A curve on a page: `values` are those of the plotted frames, `words` describe it.

    `path` is None if the chart has too many curves: it is in the table only.
    """

    label: str
    path: CurvePath | None
    values: tuple[float | None, ...]
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnChart:
    """A chart on a page; ticks are ordered from top to bottom, grid lines are heights in the drawing."""

    title: str
    unit: str
    description: str
    probabilities: bool
    ticks: tuple[str, ...]
    grid: tuple[str, ...]
    curves: tuple[DrawnCurve, ...]

    @property
    def drawn(self) -> tuple[int, ...]:
        """The positions of the curves that are drawn."""
        return tuple(position for position, curve in enumerate(self.curves) if curve.path is not None)


def draw_chart(chart: Chart, frames: Sequence[int], frame_count: int) -> DrawnChart | None:
    """Return a chart of the values at some frames, None if there are none; of many curves it draws the highest."""
    picked = [_picked(curve, frames) for curve in chart.curves]
    drawn = highest(picked)
    known = [value for position in drawn for value in picked[position] if value is not None]
    if not known:
        return None
    axis = PROBABILITY if chart.probabilities else axis_of(known)
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
                path=path_of(values, frames, axis, frame_count, points=chart.points)
                if position in drawn
                else None,
                values=values,
                words=in_words(curve.label, values, frames, probabilities=chart.probabilities),
            )
            for position, (curve, values) in enumerate(zip(chart.curves, picked, strict=True))
        ),
    )


def plotted_frames(frame_count: int, shown: Sequence[int]) -> tuple[int, ...]:
    """Return the frames whose values are plotted: all, or in a long job evenly spaced ones and those shown."""
    return tuple(sorted({*evenly_spaced(frame_count, MAX_PLOTTED), *shown}))


def highest(curves: Sequence[Sequence[float | None]]) -> tuple[int, ...]:
    """Return the positions, in order, of the curves with the highest maxima."""
    tops = [max((value for value in values if value is not None), default=-math.inf) for values in curves]
    return tuple(sorted(sorted(range(len(curves)), key=lambda position: -tops[position])[:MAX_CURVES]))


def band(span: FrameSpan, frame_count: int) -> tuple[str, str]:
    """Return the left end and the width of a span of frames in the drawing, half a frame wider on both sides."""
    left = max(0.0, x_of(span.first - 0.5, frame_count)) if frame_count > 1 else 0.0
    right = min(float(WIDTH), x_of(span.last + 0.5, frame_count)) if frame_count > 1 else float(WIDTH)
    return number(left), number(max(2.0, right - left))


def in_words(
    label: str, values: Sequence[float | None], frames: Sequence[int], *, probabilities: bool = False
) -> str:
    """Describe a curve: its ends, its minimum and its maximum."""
    known = [(frame, value) for frame, value in zip(frames, values, strict=True) if value is not None]
    if not known:
        return f"{label}: no values."
    lowest, highest = min(known, key=lambda pair: pair[1]), max(known, key=lambda pair: pair[1])
    start, end, low, high = (
        f"{percent(value) if probabilities else format(value, '.3g')} at frame {frame}"
        for frame, value in (known[0], known[-1], lowest, highest)
    )
    return f"{label}: {start}, {end}; lowest {low}, highest {high}."


def axis_of(values: Iterable[float], *, intervals: int = 4) -> Axis:
    """Return an axis of about `intervals` round steps that contains finite values; 0 to 1 if there are none.

    It starts at 0 if the curves still use at least half of the height.
    """
    low, high = math.inf, -math.inf
    for value in values:
        low, high = min(low, value), max(high, value)
    if low > high:
        return PROBABILITY
    if 0 < low <= high / 2:
        low = 0.0
    if high - low < 1e-9 * max(1.0, abs(low), abs(high)):
        largest = max(abs(low), abs(high))
        room = largest / 2 if largest > _EPSILON else 0.5
        low, high = low - room, high + room
    step = _round_step((high - low) / intervals)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return Axis(ticks=tuple(position * step for position in range(first, last + 1)))


def tick_text(value: float, axis: Axis) -> str:
    """Return the text of a tick, with enough decimals to distinguish it from its neighbours."""
    step = axis.ticks[1] - axis.ticks[0]
    if max(abs(axis.low), abs(axis.high)) >= 1e6 or step < 1e-6:
        return f"{value:.3g}"
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    if round(step, decimals) != round(step, decimals + 1):
        decimals += 1  # steps of 0.25
    return f"{value:.{decimals}f}".replace("-0" if value == 0 else "\0", "0")


def path_of(
    values: Sequence[float | None], frames: Sequence[int], axis: Axis, frame_count: int, *, points: bool
) -> CurvePath:
    """Return a line with gaps where there is no value, and dots for isolated values, or for all with `points`."""
    line: list[str] = []
    dots: list[str] = []
    around = (None, *values, None)
    for position, (frame, value) in enumerate(zip(frames, values, strict=True), start=1):
        if value is None:
            continue
        spot = f"{number(x_of(frame, frame_count))} {number(HEIGHT * (1 - axis.height(value)))}"
        continues = around[position - 1] is not None
        if points or (not continues and around[position + 1] is None):
            dots.append(f"M{spot}h0")
        else:
            line.append(f"{'L' if continues else 'M'}{spot}")
    return CurvePath(line="".join(line), dots="".join(dots))


def x_of(frame: float, frame_count: int) -> float:
    """Return the x of a frame in the drawing: the first is at the left end, the last at the right, a single one in the
    middle.
    """
    return WIDTH * frame / (frame_count - 1) if frame_count > 1 else WIDTH / 2


def number(value: float) -> str:
    """Format a coordinate, with no more decimals than are visible."""
    return f"{value:.1f}".removesuffix(".0")


def _round_step(least: float) -> float:
    power = 10.0 ** math.floor(math.log10(least))
    return next(step * power for step in _STEPS if step * power >= least * (1 - 1e-9))


def _picked(curve: ChartCurve, frames: Sequence[int]) -> tuple[float | None, ...]:
    values = (curve.values[frame] if frame < len(curve.values) else None for frame in frames)
    return tuple(float(f"{v:.4g}") if v is not None and math.isfinite(v) else None for v in values)
