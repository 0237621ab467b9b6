"""Draw a scene: a pure function of the scene, a seed and a size.

Backdrops are little landscapes in muted colours, so that any fill colour stands out before them.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from training.scenes import COLOURS, Rgb, Scene
from training.shapes import Dot, Stencil, dots, outline, paint

SUPERSAMPLING = 4

Brush = ImageDraw.ImageDraw


def draw(scene: Scene, seed: int, size: int = 64) -> Image.Image:
    """Draw the scene as an RGB picture of `size` x `size` pixels.

    The seed decides where the shape is (44 to 60% of the width, near the middle, tilted up to 14 degrees) and varies
    the backdrop; the same scene, seed and size give the same pixels.

    Raises:
        KeyError: the scene contains an unknown word.
    """
    rng = random.Random(seed)
    canvas = size * SUPERSAMPLING
    stencil = _stencil(scene, canvas, rng)
    backdrop = draw_backdrop(scene.background, canvas, rng)
    picture = paint(scene.style, backdrop, stencil, rng)
    return picture.resize((size, size), Image.Resampling.BOX)


def shape_mask(scene: Scene, seed: int, size: int = 64) -> npt.NDArray[np.bool_]:
    """Return the pixels (row, column) of `draw`'s picture that are at least half shape, without rim, ink or glow.

    Raises:
        KeyError: the scene contains an unknown word.
    """
    canvas = size * SUPERSAMPLING
    mask = Image.new("L", (canvas, canvas))
    ImageDraw.Draw(mask).polygon(_stencil(scene, canvas, random.Random(seed)).polygon, fill=255)
    return np.asarray(mask.resize((size, size), Image.Resampling.BOX)) > 127


def _stencil(scene: Scene, canvas: int, rng: random.Random) -> Stencil:
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


def draw_backdrop(name: str, size: int, rng: random.Random) -> Image.Image:
    """Draw the named background as an RGB picture of `size` x `size` pixels; `rng` varies horizon and details.

    Raises:
        KeyError: no such background.
    """
    image = Image.new("RGB", (size, size))
    _BACKDROPS[name](ImageDraw.Draw(image), size, rng)
    return image


def _sky(brush: Brush, size: int, top: Rgb, bottom: Rgb, until: float = 1.0) -> None:
    rows = math.ceil(size * until)
    for y in range(rows):
        share = y / max(1, rows - 1)
        colour = tuple(round(a + (b - a) * share) for a, b in zip(top, bottom, strict=True))
        brush.line((0, y, size, y), fill=colour)


def _ridge(
    brush: Brush, size: int, height: float, swing: float, waves: float, phase: float, fill: Rgb
) -> None:
    """Fill everything below a wavy line; `height` (from the top) and `swing` in picture heights."""
    edge = [
        (x, size * (height + swing * math.sin(phase + waves * 2 * math.pi * x / size)))
        for x in range(0, size + 4, 4)
    ]
    brush.polygon([*edge, (size, size), (0, size)], fill=fill)


def _dot(brush: Brush, size: int, x: float, y: float, radius: float, fill: Rgb) -> None:
    brush.ellipse(
        [size * (x - radius), size * (y - radius), size * (x + radius), size * (y + radius)], fill=fill
    )


def _beach(brush: Brush, size: int, rng: random.Random) -> None:
    horizon = rng.uniform(0.3, 0.42)
    _sky(brush, size, (204, 226, 238), (232, 238, 236))
    brush.rectangle((0, size * horizon, size, size), fill=(150, 190, 204))
    phase = rng.uniform(0, 6.28)
    _ridge(brush, size, horizon + 0.21, 0.02, 1.5, phase, (242, 244, 240))
    _ridge(brush, size, horizon + 0.26, 0.02, 1.5, phase, (232, 216, 184))


def _meadow(brush: Brush, size: int, rng: random.Random) -> None:
    _sky(brush, size, (214, 232, 240), (240, 244, 236))
    height = rng.uniform(0.42, 0.54)
    _ridge(brush, size, height, 0.06, 0.9, rng.uniform(0, 6.28), (184, 204, 170))
    _ridge(brush, size, height + 0.2, 0.05, 0.7, rng.uniform(0, 6.28), (160, 188, 148))
    for x in (0.1, 0.32, 0.58, 0.86):
        _dot(brush, size, x + rng.uniform(-0.06, 0.06), rng.uniform(0.86, 0.95), 0.026, (246, 244, 232))


def _night(brush: Brush, size: int, rng: random.Random) -> None:
    _sky(brush, size, (28, 32, 56), (62, 66, 96))
    for column in range(4):
        for row in range(3):
            x, y = (column + rng.uniform(0.3, 0.7)) / 4, (row + rng.uniform(0.3, 0.7)) / 3 * 0.82
            _dot(brush, size, x, y, 0.018 + 0.008 * ((column + row) % 2), (232, 230, 214))
    _ridge(brush, size, rng.uniform(0.84, 0.9), 0.04, 0.8, rng.uniform(0, 6.28), (22, 24, 38))


def _desert(brush: Brush, size: int, rng: random.Random) -> None:
    _sky(brush, size, (240, 228, 212), (246, 238, 224))
    height = rng.uniform(0.36, 0.46)
    _ridge(brush, size, height, 0.07, 0.8, rng.uniform(0, 6.28), (218, 194, 166))
    _ridge(brush, size, height + 0.18, 0.07, 0.6, rng.uniform(0, 6.28), (202, 174, 144))
    _ridge(brush, size, height + 0.4, 0.05, 0.7, rng.uniform(0, 6.28), (184, 154, 126))


def _fir(brush: Brush, size: int, x: float, foot: float, height: float, fill: Rgb) -> None:
    for tier, wide in ((0.0, 0.2), (0.28, 0.28), (0.55, 0.36)):
        top = foot - height * (1 - tier)
        low = top + height * 0.45
        half = height * wide
        points = [(x, top), (x - half, low), (x + half, low)]
        brush.polygon([(size * px, size * py) for px, py in points], fill=fill)


def _snow(brush: Brush, size: int, rng: random.Random) -> None:
    _sky(brush, size, (186, 196, 210), (214, 220, 228))
    height = rng.uniform(0.5, 0.58)
    for x in (0.1, 0.88):
        _fir(
            brush, size, x + rng.uniform(-0.04, 0.04), height + 0.08, rng.uniform(0.3, 0.38), (126, 144, 152)
        )
    _ridge(brush, size, height, 0.04, 0.8, rng.uniform(0, 6.28), (244, 246, 250))
    for x in (0.2, 0.4, 0.62, 0.8):
        _dot(brush, size, x + rng.uniform(-0.08, 0.08), rng.uniform(0.06, 0.38), 0.022, (250, 250, 252))


def _sea(brush: Brush, size: int, rng: random.Random) -> None:
    _sky(brush, size, (222, 230, 232), (232, 236, 234))
    height, phase = rng.uniform(0.2, 0.28), rng.uniform(0, 6.28)
    for k, fill in enumerate(((164, 188, 200), (138, 168, 186), (116, 148, 170), (96, 128, 152))):
        _ridge(brush, size, height + 0.19 * k, 0.03, 3, phase + 2.4 * k, fill)


def _sunset(brush: Brush, size: int, rng: random.Random) -> None:
    horizon = rng.uniform(0.66, 0.74)
    _sky(brush, size, (140, 124, 152), (240, 204, 186), horizon)
    _dot(brush, size, rng.uniform(0.25, 0.75), horizon, 0.2, (250, 234, 206))
    brush.rectangle((0, size * horizon, size, size), fill=(98, 88, 112))
    for k in range(3):
        y = horizon + 0.06 + 0.09 * k
        x = rng.uniform(0.1, 0.5)
        brush.rectangle((size * x, size * y, size * (x + 0.36), size * (y + 0.025)), fill=(196, 172, 168))


def _forest(brush: Brush, size: int, rng: random.Random) -> None:
    _sky(brush, size, (196, 206, 192), (172, 186, 170))
    for x in (-0.02, 0.2, 0.42, 0.62, 0.84, 1.02):
        _fir(brush, size, x + rng.uniform(-0.04, 0.04), 0.8, rng.uniform(0.56, 0.72), (122, 142, 124))
    for x in (0.06, 0.32, 0.7, 0.94):
        _fir(brush, size, x + rng.uniform(-0.04, 0.04), 0.94, rng.uniform(0.4, 0.52), (84, 106, 90))
    brush.rectangle((0, size * 0.88, size, size), fill=(84, 88, 74))


_BACKDROPS: dict[str, Callable[[Brush, int, random.Random], None]] = {
    "beach": _beach,
    "meadow": _meadow,
    "night": _night,
    "desert": _desert,
    "snow": _snow,
    "sea": _sea,
    "sunset": _sunset,
    "forest": _forest,
}
