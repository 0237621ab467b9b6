"""Charts as a page draws them, and the same in words."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from farm.records import evenly_spaced
from farm.report.data import Chart, Curve, FrameSpan
from farm.report.wording import percent

_NOTHING = 1e-9
_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """Evenly spaced `ticks`, of which the first is the lower end and the last the upper."""

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
        """Return where a value lies, from 0 at the lower end to 1 at the upper."""
        return (value - self.low) / (self.high - self.low)


PROBABILITY = Axis(ticks=(0.0, 0.5, 1.0))


def axis_of(values: Iterable[float], *, intervals: int = 4) -> Axis:
    """Return an axis of at most about `intervals` round steps that holds finite values; 0 to 1 if there are none.

    It starts at 0 if that costs the curves less than half of the height.
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
        room = largest / 2 if largest > _NOTHING else 0.5
        low, high = low - room, high + room
    step = _round_step((high - low) / intervals)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return Axis(ticks=tuple(place * step for place in range(first, last + 1)))


def _round_step(least: float) -> float:
    power = 10.0 ** math.floor(math.log10(least))
    return next(step * power for step in _STEPS if step * power >= least * (1 - 1e-9))


def tick_text(value: float, axis: Axis) -> str:
    """Return a tick's number, with the decimals that tell it from its neighbours."""
    step = axis.ticks[1] - axis.ticks[0]
    if max(abs(axis.low), abs(axis.high)) >= 1e6 or step < 1e-6:
        return f"{value:.3g}"
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    if round(step, decimals) != round(step, decimals + 1):
        decimals += 1  # steps of 0.25
    return f"{value:.{decimals}f}".replace("-0" if value == 0 else "\0", "0")


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
