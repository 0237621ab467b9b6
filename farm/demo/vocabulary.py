"""The words of the drawn world: what can be in a picture, and which combinations training never sees."""

from __future__ import annotations

import functools
import itertools
import random
from dataclasses import dataclass
from typing import Literal

Rgb = tuple[int, int, int]

SHAPES = ("circle", "square", "triangle", "star", "heart", "moon", "flower", "fish")

COLOURS: dict[str, Rgb] = {
    "red": (214, 32, 38),
    "orange": (250, 132, 16),
    "yellow": (250, 216, 40),
    "green": (40, 160, 62),
    "turquoise": (26, 196, 196),
    "blue": (36, 78, 220),
    "purple": (122, 44, 170),
    "pink": (246, 104, 184),
}
"""Fill colours, sRGB: at least 28 CIE76 units and 19 degrees of CIELAB hue apart, each more vivid than any backdrop."""

BACKGROUNDS = ("beach", "meadow", "night", "desert", "snow", "sea", "sunset", "forest")

STYLES = ("paper cutout", "cartoon", "watercolor", "neon")

Split = Literal["train", "held-out"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What one picture shows, in the world's own words."""

    shape: str
    colour: str
    background: str
    style: str


def is_held_out(shape: str, colour: str, background: str) -> bool:
    """Whether this combination is kept from every training.

    A Latin design: of the 512 triples 64 are held out, and for every pair (say, shape and colour) exactly one,
    so each pair is still learnt, and every held-out picture is a combination never seen.
    """
    s, c, b = SHAPES.index(shape), tuple(COLOURS).index(colour), BACKGROUNDS.index(background)
    return (s + 3 * c + 5 * b) % 8 == 0


@functools.cache
def triples(split: Split) -> tuple[tuple[str, str, str], ...]:
    """All (shape, colour, background) of a split, in a fixed order: 448 for training, 64 held out."""
    every = itertools.product(SHAPES, COLOURS, BACKGROUNDS)
    return tuple(triple for triple in every if is_held_out(*triple) == (split == "held-out"))


def random_scene(split: Split, rng: random.Random) -> Scene:
    """A scene of the split, every triple and every style equally likely."""
    shape, colour, background = rng.choice(triples(split))
    return Scene(shape=shape, colour=colour, background=background, style=rng.choice(STYLES))
