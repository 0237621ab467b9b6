"""Shapes: their outlines as polygons in a unit circle (x to the right, y down), and the styles that paint them."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

from PIL import Image, ImageChops, ImageDraw, ImageFilter

from training.scenes import Rgb

Point = tuple[float, float]

WHITE: Rgb = (255, 255, 255)
INK: Rgb = (34, 30, 40)
PAPER: Rgb = (250, 247, 240)


class Dot(NamedTuple):
    """A round detail inside a shape, lighter or darker than the fill; centre and radius in outline units."""

    x: float
    y: float
    radius: float
    tone: Literal["light", "dark"]


def outline(shape: str) -> list[Point]:
    """Return the shape's edge as a closed polygon.

    Raises:
        KeyError: no such shape.
    """
    return list(_OUTLINES[shape])


def dots(shape: str) -> tuple[Dot, ...]:
    """Return the details that make some shapes easier to recognize: a flower's centre, a fish's eye."""
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
    outer = _arc(1.0, tip, 360 - tip)
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Stencil:
    """A shape positioned on the canvas: polygon, details and radius in canvas pixels."""

    polygon: list[Point]
    dots: tuple[Dot, ...]
    radius: float
    fill: Rgb


def paint(style: str, backdrop: Image.Image, stencil: Stencil, rng: random.Random) -> Image.Image:
    """Return a copy of the backdrop with the shape painted on it in a style.

    Raises:
        KeyError: no such style.
    """
    return _STYLES[style](backdrop, stencil, rng)


def mix(one: Rgb, other: Rgb, share: float) -> Rgb:
    """Mix `share` of `other` into `one`, channel by channel."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue


def _mask(size: int, stencil: Stencil, grow: float = 0.0) -> Image.Image:
    """Return the shape as an "L" mask, widened on all sides by `grow` shape radii, with round corners."""
    mask = Image.new("L", (size, size))
    brush = ImageDraw.Draw(mask)
    brush.polygon(stencil.polygon, fill=255)
    if grow:
        width = stencil.radius * grow
        brush.line([*stencil.polygon, *stencil.polygon[:2]], fill=255, width=round(2 * width), joint="curve")
        for x, y in stencil.polygon:
            brush.ellipse((x - width, y - width, x + width, y + width), fill=255)
    return mask


def _paint_dots(image: Image.Image, stencil: Stencil, light: Rgb, dark: Rgb) -> None:
    brush = ImageDraw.Draw(image)
    for x, y, radius, tone in stencil.dots:
        brush.ellipse(
            (x - radius, y - radius, x + radius, y + radius), fill=light if tone == "light" else dark
        )


def _cutout(backdrop: Image.Image, stencil: Stencil, rng: random.Random) -> Image.Image:
    """Paint coloured paper with a white rim and a soft shadow below it."""
    size = backdrop.width
    image = backdrop.copy()
    rim = _mask(size, stencil, 0.15)
    shadow = ImageChops.offset(rim, round(size * 0.012), round(size * 0.03))
    shadow = shadow.filter(ImageFilter.GaussianBlur(size * 0.018)).point(lambda value: value * 0.5)
    image.paste((40, 36, 52), mask=shadow)
    image.paste(WHITE, mask=rim)
    image.paste(stencil.fill, mask=_mask(size, stencil))
    _paint_dots(image, stencil, WHITE, INK)
    return image


def _cartoon(backdrop: Image.Image, stencil: Stencil, rng: random.Random) -> Image.Image:
    """Paint a thick ink line, a shaded lower edge and a lit upper part."""
    size, radius = backdrop.width, stencil.radius
    image = backdrop.copy()
    image.paste(INK, mask=_mask(size, stencil, 0.16))
    body = _mask(size, stencil)
    image.paste(mix(stencil.fill, INK, 0.25), mask=body)
    lit = ImageChops.offset(body, -round(radius * 0.12), -round(radius * 0.14))
    image.paste(stencil.fill, mask=ImageChops.multiply(body, lit))
    _paint_dots(image, stencil, WHITE, INK)
    return image


def _blotches(size: int, rng: random.Random, cells: int) -> Image.Image:
    """Return soft irregular spots as an "L" picture around 128."""
    coarse = Image.new("L", (cells, cells))
    coarse.putdata([rng.randrange(70, 186) for _ in range(cells * cells)])
    return coarse.resize((size, size), Image.Resampling.BICUBIC)


def _watercolor(backdrop: Image.Image, stencil: Stencil, rng: random.Random) -> Image.Image:
    """Paint uneven pigment with the dark rim of dried paint, on a pale wash of the backdrop."""
    size, radius = backdrop.width, stencil.radius
    washed = backdrop.filter(ImageFilter.GaussianBlur(size * 0.016))
    image = Image.blend(washed, Image.new("RGB", washed.size, PAPER), 0.4)
    body = _mask(size, stencil).filter(ImageFilter.GaussianBlur(size * 0.007))
    pigment = Image.composite(
        Image.new("RGB", washed.size, mix(stencil.fill, PAPER, 0.3)),
        Image.new("RGB", washed.size, mix(stencil.fill, PAPER, 0.02)),
        _blotches(size, rng, 5).point(lambda value: max(0, min(255, (value - 128) * 3 + 128))),
    )
    inner = body.filter(ImageFilter.GaussianBlur(radius * 0.1)).point(lambda value: max(0, value * 2 - 255))
    rim = ImageChops.multiply(body, ImageChops.invert(inner)).point(lambda value: value * 0.7)
    image.paste(pigment, mask=body)
    image.paste(mix(stencil.fill, INK, 0.22), mask=rim)
    _paint_dots(image, stencil, PAPER, mix(stencil.fill, INK, 0.6))
    return image


def _neon(backdrop: Image.Image, stencil: Stencil, rng: random.Random) -> Image.Image:
    """Paint a glowing sign: a darkened backdrop, a halo of the fill colour, a bright tube around it."""
    size = backdrop.width
    image = Image.blend(backdrop, Image.new("RGB", backdrop.size, (8, 8, 20)), 0.52)
    halo = (
        _mask(size, stencil, 0.18)
        .filter(ImageFilter.GaussianBlur(size * 0.05))
        .point(lambda value: value * 0.8)
    )
    image.paste(stencil.fill, mask=halo)
    image.paste(mix(stencil.fill, WHITE, 0.72), mask=_mask(size, stencil, 0.09))
    image.paste(stencil.fill, mask=_mask(size, stencil))
    _paint_dots(image, stencil, mix(stencil.fill, WHITE, 0.8), INK)
    return image


_STYLES: dict[str, Callable[[Image.Image, Stencil, random.Random], Image.Image]] = {
    "paper cutout": _cutout,
    "cartoon": _cartoon,
    "watercolor": _watercolor,
    "neon": _neon,
}
