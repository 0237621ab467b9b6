"""Draws the pictures of this folder with the demo world's pens: `python manifests/pictures/draw.py`.

Those of 64 pixels are for the shipped checkpoints, those of 512 for real models.
"""

from __future__ import annotations

import math
import random
from pathlib import Path

from PIL import Image, ImageDraw, ImageFilter

from farm.demo.backdrops import draw_backdrop
from farm.demo.outlines import Dot, dots, outline
from farm.demo.styles import Stencil, paint
from farm.demo.vocabulary import COLOURS
from farm.demo.world import SUPERSAMPLING

HERE = Path(__file__).parent
TURN = 24
"""Pictures in a whole turn."""


def stencil(shape: str, colour: str, canvas: int, x: float = 0.5, y: float = 0.5, radius: float = 0.28) -> Stencil:
    """A shape upright on a canvas; its place and radius are shares of the width."""
    size = canvas * radius

    def place(px: float, py: float) -> tuple[float, float]:
        return canvas * x + px * size, canvas * y + py * size

    return Stencil(
        polygon=[place(px, py) for px, py in outline(shape)],
        dots=tuple(Dot(*place(dot.x, dot.y), dot.radius * size, dot.tone) for dot in dots(shape)),
        radius=size,
        fill=COLOURS[colour],
    )


def scene(shape: str, colour: str, backdrop: str, style: str, size: int, **place: float) -> Image.Image:
    """A picture of the world, its shape where it is said."""
    canvas, rng = size * SUPERSAMPLING, random.Random(7)
    picture = paint(
        style, draw_backdrop(backdrop, canvas, rng), stencil(shape, colour, canvas, **place), rng
    )
    return picture.resize((size, size), Image.Resampling.BOX)


def disc(size: int, radius: float) -> Image.Image:
    """White in the middle, black around: what inpainting paints anew."""
    mask = Image.new("L", (size, size))
    ImageDraw.Draw(mask).circle((size / 2, size / 2), size * radius, fill=255)
    return mask


def depth(shape: str, size: int) -> Image.Image:
    """How near things are, white the nearest: the ground comes up to the foot of the picture, the shape stands out."""
    ground = Image.linear_gradient("L").resize((size, size)).point(lambda value: value * 0.45)
    outlined = Image.new("L", (size, size))
    ImageDraw.Draw(outlined).polygon(stencil(shape, "red", size).polygon, fill=255)
    ground.paste(220, mask=outlined.filter(ImageFilter.GaussianBlur(1)))
    return ground


def main() -> None:
    """Draw them all."""
    scene("star", "red", "beach", "cartoon", 64).save(HERE / "star-64.png")
    disc(64, 0.36).save(HERE / "disc-64.png")
    turning = HERE / "turning-64"
    turning.mkdir(exist_ok=True)
    for number in range(TURN):
        angle = math.tau * number / TURN
        place = {"x": 0.5 + 0.13 * math.cos(angle), "y": 0.5 + 0.13 * math.sin(angle), "radius": 0.26}
        scene("heart", "red", "night", "cartoon", 64, **place).save(turning / f"{number:02}.png")

    scene("fish", "orange", "sea", "cartoon", 512).save(HERE / "fish.png", optimize=True)
    scene("flower", "pink", "meadow", "watercolor", 512).quantize(64).save(HERE / "flower.png", optimize=True)
    disc(512, 0.36).save(HERE / "disc.png", optimize=True)
    depth("fish", 512).save(HERE / "fish-depth.png", optimize=True)


if __name__ == "__main__":
    main()
