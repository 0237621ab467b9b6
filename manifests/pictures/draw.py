"""Draw the pictures of this folder in the style of the drawn world: `python -m manifests.pictures.draw`.

Pictures of 64 pixels are for the shipped checkpoints, larger ones for real models.
"""

from __future__ import annotations

import math
import random
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from farm.records import Mp4Spec
from farm.reduce.mp4 import Mp4Writer
from training.drawing import SUPERSAMPLING, draw_backdrop
from training.scenes import COLOURS
from training.shapes import Dot, Stencil, dots, outline, paint

HERE = Path(__file__).parent
TURN = 24
"""Pictures in a full turn."""


def stencil(
    shape: str, colour: str, canvas: int, x: float = 0.5, y: float = 0.5, radius: float = 0.28
) -> Stencil:
    """Return a shape upright on a canvas; position and radius are fractions of the width."""
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
    """Return a picture of the drawn world with its shape at a given position."""
    canvas, rng = size * SUPERSAMPLING, random.Random(7)
    picture = paint(style, draw_backdrop(backdrop, canvas, rng), stencil(shape, colour, canvas, **place), rng)
    return picture.resize((size, size), Image.Resampling.BOX)


def disc(size: int, radius: float) -> Image.Image:
    """Return an inpainting mask: a white disc, which is repainted, on black."""
    mask = Image.new("L", (size, size))
    ImageDraw.Draw(mask).circle((size / 2, size / 2), size * radius, fill=255)
    return mask


def depth(shape: str, size: int) -> Image.Image:
    """Return a depth map, white for near: the ground approaches at the bottom, and the shape is in front of it."""
    ground = Image.linear_gradient("L").resize((size, size)).point(lambda value: value * 0.45)
    outlined = Image.new("L", (size, size))
    ImageDraw.Draw(outlined).polygon(stencil(shape, "red", size).polygon, fill=255)
    ground.paste(220, mask=outlined.filter(ImageFilter.GaussianBlur(1)))
    return ground


def face(size: int) -> Image.Image:
    """Return a face from the front, cropped as closely as IP-Adapter's face models expect."""
    canvas = size * SUPERSAMPLING
    picture = Image.new("RGB", (canvas, canvas), (196, 214, 222))
    pen = ImageDraw.Draw(picture)

    def oval(x: float, y: float, width: float, height: float, fill: tuple[int, int, int]) -> None:
        pen.ellipse([canvas * edge for edge in (x - width, y - height, x + width, y + height)], fill=fill)

    hair, skin, shade, ink = (92, 52, 28), (236, 188, 152), (214, 158, 124), (48, 34, 36)
    oval(0.5, 0.44, 0.36, 0.38, hair)
    oval(0.5, 1.12, 0.46, 0.26, (44, 96, 140))
    pen.rectangle([canvas * edge for edge in (0.40, 0.70, 0.60, 0.92)], fill=shade)
    oval(0.5, 0.5, 0.28, 0.35, skin)
    pen.pieslice([canvas * edge for edge in (0.2, 0.1, 0.8, 0.62)], 187, 353, fill=hair)
    for side in (-1, 1):
        x = 0.5 + side * 0.115
        oval(0.5 + side * 0.285, 0.52, 0.035, 0.07, skin)
        oval(x, 0.485, 0.052, 0.032, (252, 252, 250))
        oval(x, 0.485, 0.028, 0.031, (62, 110, 74))
        oval(x, 0.485, 0.013, 0.015, ink)
        oval(x + 0.01, 0.476, 0.006, 0.006, (255, 255, 255))
        brow = [canvas * edge for edge in (x - 0.075, 0.405, x + 0.075, 0.505)]
        pen.arc(brow, 205, 335, fill=hair, width=round(canvas * 0.016))
        oval(0.5 + side * 0.16, 0.62, 0.05, 0.032, (232, 168, 144))
    nose = [canvas * edge for edge in (0.465, 0.55, 0.535, 0.62)]
    pen.arc(nose, 10, 170, fill=shade, width=round(canvas * 0.012))
    pen.chord([canvas * edge for edge in (0.40, 0.60, 0.60, 0.745)], 15, 165, fill=(176, 62, 68))
    return picture.resize((size, size), Image.Resampling.BOX)


def main() -> None:
    """Draw all pictures."""
    scene("star", "red", "beach", "cartoon", 64).save(HERE / "star-64.png")
    disc(64, 0.42).save(HERE / "disc-64.png")
    turning = HERE / "turning-64"
    turning.mkdir(exist_ok=True)
    video = Mp4Writer(HERE / "turning-64.mp4", Mp4Spec(fps=12, crf=12, preset="veryslow"))
    for number in range(TURN):
        angle = math.tau * number / TURN
        place = {"x": 0.5 + 0.13 * math.cos(angle), "y": 0.5 + 0.13 * math.sin(angle), "radius": 0.26}
        picture = scene("heart", "red", "night", "cartoon", 64, **place)
        picture.save(turning / f"{number:02}.png")
        video.add(np.asarray(picture))
    video.close()

    scene("fish", "orange", "sea", "cartoon", 512).save(HERE / "fish.png", optimize=True)
    scene("flower", "pink", "meadow", "watercolor", 512).quantize(64).save(HERE / "flower.png", optimize=True)
    disc(512, 0.42).save(HERE / "disc.png", optimize=True)
    scene("fish", "orange", "sea", "cartoon", 1024).save(HERE / "fish-1024.png", optimize=True)
    face(512).save(HERE / "face.png", optimize=True)
    depth("fish", 512).save(HERE / "fish-depth.png", optimize=True)


if __name__ == "__main__":
    main()
