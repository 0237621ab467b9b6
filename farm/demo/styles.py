"""Drawing styles: how a filled shape is put on its backdrop."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image, ImageChops, ImageDraw, ImageFilter

from farm.demo.outlines import Dot, Point
from farm.demo.vocabulary import Rgb

WHITE: Rgb = (255, 255, 255)
INK: Rgb = (34, 30, 40)
PAPER: Rgb = (250, 247, 240)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stencil:
    """A shape placed on the canvas: its polygon, its details and its radius, all in canvas pixels."""

    polygon: list[Point]
    dots: tuple[Dot, ...]
    radius: float
    fill: Rgb


def paint(style: str, backdrop: Image.Image, stencil: Stencil, rng: random.Random) -> Image.Image:
    """The backdrop with the shape on it, drawn in a style. A new picture, as large as the backdrop.

    Raises:
        KeyError: the world has no such style.
    """
    return _STYLES[style](backdrop, stencil, rng)


def mix(one: Rgb, other: Rgb, share: float) -> Rgb:
    """`share` of `other` in `one`, channel by channel."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue


def _mask(size: int, stencil: Stencil, grow: float = 0.0) -> Image.Image:
    """The shape as an "L" mask; `grow` in shape radii widens it on all sides, with round corners."""
    mask = Image.new("L", (size, size))
    brush = ImageDraw.Draw(mask)
    brush.polygon(stencil.polygon, fill=255)
    if grow:
        width = stencil.radius * grow
        brush.line([*stencil.polygon, *stencil.polygon[:2]], fill=255, width=round(2 * width), joint="curve")
        for x, y in stencil.polygon:
            brush.ellipse((x - width, y - width, x + width, y + width), fill=255)
    return mask


def _dots(image: Image.Image, stencil: Stencil, light: Rgb, dark: Rgb) -> None:
    brush = ImageDraw.Draw(image)
    for x, y, radius, tone in stencil.dots:
        brush.ellipse(
            (x - radius, y - radius, x + radius, y + radius), fill=light if tone == "light" else dark
        )


def _cutout(backdrop: Image.Image, stencil: Stencil, rng: random.Random) -> Image.Image:
    """Coloured paper with a white rim and a soft shadow on the ground below."""
    size = backdrop.width
    image = backdrop.copy()
    rim = _mask(size, stencil, 0.15)
    shadow = ImageChops.offset(rim, round(size * 0.012), round(size * 0.03))
    shadow = shadow.filter(ImageFilter.GaussianBlur(size * 0.018)).point(lambda value: value * 0.5)
    image.paste((40, 36, 52), mask=shadow)
    image.paste(WHITE, mask=rim)
    image.paste(stencil.fill, mask=_mask(size, stencil))
    _dots(image, stencil, WHITE, INK)
    return image


def _cartoon(backdrop: Image.Image, stencil: Stencil, rng: random.Random) -> Image.Image:
    """A thick ink line, a shaded lower edge, a gloss above."""
    size, radius = backdrop.width, stencil.radius
    image = backdrop.copy()
    image.paste(INK, mask=_mask(size, stencil, 0.16))
    body = _mask(size, stencil)
    image.paste(mix(stencil.fill, INK, 0.25), mask=body)
    lit = ImageChops.offset(body, -round(radius * 0.12), -round(radius * 0.14))
    image.paste(stencil.fill, mask=ImageChops.multiply(body, lit))
    _dots(image, stencil, WHITE, INK)
    return image


def _blotches(size: int, rng: random.Random, cells: int) -> Image.Image:
    """Soft irregular spots, an "L" picture around 128."""
    coarse = Image.new("L", (cells, cells))
    coarse.putdata([rng.randrange(70, 186) for _ in range(cells * cells)])
    return coarse.resize((size, size), Image.Resampling.BICUBIC)


def _watercolor(backdrop: Image.Image, stencil: Stencil, rng: random.Random) -> Image.Image:
    """A pale wash of a backdrop, uneven pigment, and the darker rim that drying leaves."""
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
    _dots(image, stencil, PAPER, mix(stencil.fill, INK, 0.6))
    return image


def _neon(backdrop: Image.Image, stencil: Stencil, rng: random.Random) -> Image.Image:
    """A sign that shines: the backdrop in the dark, a halo of the fill colour, a bright tube around it."""
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
    _dots(image, stencil, mix(stencil.fill, WHITE, 0.8), INK)
    return image


_STYLES: dict[str, Callable[[Image.Image, Stencil, random.Random], Image.Image]] = {
    "paper cutout": _cutout,
    "cartoon": _cartoon,
    "watercolor": _watercolor,
    "neon": _neon,
}
