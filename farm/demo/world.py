"""Drawing a scene: a pure function of the scene, a seed and a size."""

from __future__ import annotations

import math
import random

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from farm.demo.backdrops import draw_backdrop
from farm.demo.outlines import Dot, dots, outline
from farm.demo.styles import Stencil, paint
from farm.demo.vocabulary import COLOURS, Scene

SUPERSAMPLING = 4


def draw(scene: Scene, seed: int, size: int = 64) -> Image.Image:
    """The scene as an RGB picture of `size` x `size` pixels.

    The seed places the shape (44 to 60 % of the width, near the middle, tilted up to 14 degrees) and moves the
    backdrop's details; the same scene, seed and size give the same pixels.

    Raises:
        KeyError: the scene holds a word that the world does not know.
    """
    rng = random.Random(seed)
    canvas = size * SUPERSAMPLING
    stencil = _place(scene, canvas, rng)
    backdrop = draw_backdrop(scene.background, canvas, rng)
    picture = paint(scene.style, backdrop, stencil, rng)
    return picture.resize((size, size), Image.Resampling.BOX)


def shape_mask(scene: Scene, seed: int, size: int = 64) -> npt.NDArray[np.bool_]:
    """Which pixels (row, column) of `draw`'s picture the shape covers at least half of, without rim, ink or glow.

    Raises:
        KeyError: the scene holds a word that the world does not know.
    """
    canvas = size * SUPERSAMPLING
    mask = Image.new("L", (canvas, canvas))
    ImageDraw.Draw(mask).polygon(_place(scene, canvas, random.Random(seed)).polygon, fill=255)
    return np.asarray(mask.resize((size, size), Image.Resampling.BOX)) > 127


def _place(scene: Scene, canvas: int, rng: random.Random) -> Stencil:
    radius = canvas * rng.uniform(0.22, 0.30)
    x, y = canvas * rng.uniform(0.37, 0.63), canvas * rng.uniform(0.38, 0.62)
    tilt = math.radians(rng.uniform(-14, 14))
    cosine, sine = math.cos(tilt) * radius, math.sin(tilt) * radius

    def place(px: float, py: float) -> tuple[float, float]:
        return x + px * cosine - py * sine, y + px * sine + py * cosine

    return Stencil(
        polygon=[place(px, py) for px, py in outline(scene.shape)],
        dots=tuple(Dot(*place(dot.x, dot.y), dot.radius * radius, dot.tone) for dot in dots(scene.shape)),
        radius=radius,
        fill=COLOURS[scene.colour],
    )
