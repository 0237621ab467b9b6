"""Outlines of the shapes: polygons in a unit circle, x to the right, y down."""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

Point = tuple[float, float]


class Dot(NamedTuple):
    """A round detail inside a shape: its centre and radius in outline units, lighter or darker than the fill."""

    x: float
    y: float
    radius: float
    tone: Literal["light", "dark"]


def outline(shape: str) -> list[Point]:
    """The shape's edge as a closed polygon.

    Raises:
        KeyError: the world has no such shape.
    """
    return list(_OUTLINES[shape])


def dots(shape: str) -> tuple[Dot, ...]:
    """The details that make some shapes easier to know: a flower's heart, a fish's eye."""
    return _DOTS.get(shape, ())


def _arc(
    radius: float, start: float, stop: float, steps: int = 72, centre: Point = (0.0, 0.0)
) -> list[Point]:
    angles = [math.radians(start + (stop - start) * k / steps) for k in range(steps + 1)]
    return [(centre[0] + radius * math.cos(a), centre[1] + radius * math.sin(a)) for a in angles]


def _spokes(count: int, radii: tuple[float, ...]) -> list[Point]:
    total = count * len(radii)
    corners = [(radii[k % len(radii)], 2 * math.pi * k / total - math.pi / 2) for k in range(total)]
    return [(r * math.cos(a), r * math.sin(a)) for r, a in corners]


def _heart() -> list[Point]:
    angles = [2 * math.pi * k / 96 for k in range(96)]
    curve = [
        (
            16 * math.sin(t) ** 3,
            13 * math.cos(t) - 5 * math.cos(2 * t) - 2 * math.cos(3 * t) - math.cos(4 * t),
        )
        for t in angles
    ]
    return [(x / 17, -(y + 2) / 16) for x, y in curve]


def _moon() -> list[Point]:
    bite = (0.46, -0.1)
    tip = 50.0
    outer = [(x - 0.0, y) for x, y in _arc(1.0, tip, 360 - tip)]
    (x0, y0), (x1, y1) = outer[-1], outer[0]
    start = math.degrees(math.atan2(y0 - bite[1], x0 - bite[0]))
    stop = math.degrees(math.atan2(y1 - bite[1], x1 - bite[0]))
    first, last = math.dist((x0, y0), bite), math.dist((x1, y1), bite)
    steps = 60
    inner = []
    sweep = (stop - start) % 360 - 360
    for k in range(1, steps):
        share = k / steps
        radius, angle = first + (last - first) * share, math.radians(start + sweep * share)
        inner.append((bite[0] + radius * math.cos(angle), bite[1] + radius * math.sin(angle)))
    return [(x + 0.2, y) for x, y in outer + inner]


def _flower() -> list[Point]:
    angles = [2 * math.pi * k / 180 for k in range(180)]
    radii = [0.5 + 0.5 * abs(math.cos(2.5 * a)) ** 0.7 for a in angles]
    return [(r * math.sin(a), -r * math.cos(a)) for r, a in zip(radii, angles, strict=True)]


def _fish() -> list[Point]:
    body = [(x * 0.76 - 0.24, y * 0.62) for x, y in _arc(1.0, 22, 338)]
    return [*body, (1.0, -0.62), (0.82, 0.0), (1.0, 0.62)]


_SQUARE = 0.82

_OUTLINES: dict[str, list[Point]] = {
    "circle": _arc(0.92, 0, 360),
    "square": [(-_SQUARE, -_SQUARE), (_SQUARE, -_SQUARE), (_SQUARE, _SQUARE), (-_SQUARE, _SQUARE)],
    "triangle": [(x * 1.08, (y + 0.2) * 1.08) for x, y in _spokes(3, (1.0,))],
    "star": [(x * 1.1, y * 1.1) for x, y in _spokes(5, (1.0, 0.45))],
    "heart": _heart(),
    "moon": _moon(),
    "flower": _flower(),
    "fish": _fish(),
}

_DOTS: dict[str, tuple[Dot, ...]] = {
    "flower": (Dot(0.0, 0.0, 0.26, "light"),),
    "fish": (Dot(-0.58, -0.14, 0.14, "light"), Dot(-0.6, -0.14, 0.075, "dark")),
}
