"""What a picture of the drawn world can show, which combinations training never sees, and the captions of a scene."""

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

PLACES = {
    "beach": ("at the beach", "on a beach"),
    "meadow": ("in a meadow", "in the meadow"),
    "night": ("at night", "in the night sky"),
    "desert": ("in the desert", "in a desert"),
    "snow": ("in the snow", "in a snowy landscape"),
    "sea": ("at sea", "in the sea"),
    "sunset": ("at sunset", "in the sunset"),
    "forest": ("in the forest", "in a forest"),
}
"""Two natural wordings of every background; its own name is the third."""

OPENINGS = {
    "paper cutout": "a paper cutout of",
    "cartoon": "a cartoon of",
    "watercolor": "a watercolor painting of",
    "neon": "a neon sign of",
}

Split = Literal["train", "held-out"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What one picture shows, in words of the vocabulary."""

    shape: str
    colour: str
    background: str
    style: str

    @property
    def words(self) -> frozenset[str]:
        """The four words together."""
        return frozenset((self.shape, self.colour, self.background, self.style))


@dataclass(frozen=True, slots=True, kw_only=True)
class Caption:
    """A text, and the words of the vocabulary that a picture must show for it to be true."""

    text: str
    claims: frozenset[str]

    def is_true_of(self, scene: Scene) -> bool:
        """Return whether the scene shows all that the text claims."""
        return self.claims <= scene.words


def is_held_out(shape: str, colour: str, background: str) -> bool:
    """Return whether this combination is excluded from all training.

    A Latin design: 64 of the 512 combinations are held out, exactly one for every pair (say, of shape and colour).
    Each pair is still learned, and every held-out picture shows a combination never seen.
    """
    s, c, b = SHAPES.index(shape), tuple(COLOURS).index(colour), BACKGROUNDS.index(background)
    return (s + 3 * c + 5 * b) % 8 == 0


@functools.cache
def combinations(split: Split) -> tuple[tuple[str, str, str], ...]:
    """Return all (shape, colour, background) of a split in a fixed order: 448 for training, 64 held out."""
    every = itertools.product(SHAPES, COLOURS, BACKGROUNDS)
    return tuple(one for one in every if is_held_out(*one) == (split == "held-out"))


def random_scene(split: Split, rng: random.Random) -> Scene:
    """Draw a scene of the split; every combination and every style is equally likely."""
    shape, colour, background = rng.choice(combinations(split))
    return Scene(shape=shape, colour=colour, background=background, style=rng.choice(STYLES))


def scene_at(split: Split, seed: int, index: int) -> Scene:
    """Return the scene of picture `index` of a dataset: a function of split, seed and index alone."""
    return random_scene(split, random.Random(f"{split} {seed} {index}"))


def full_captions(scene: Scene, with_style: bool = True) -> tuple[Caption, ...]:
    """Return every wording that names shape, colour and background, and the style too if `with_style`."""
    subject, places, name = f"{scene.colour} {scene.shape}", PLACES[scene.background], scene.background
    if not with_style:
        return _captions(
            scene.words - {scene.style},
            *(f"a {subject} {place}" for place in places),
            f"{places[0]}, a {subject}",
            f"{name}, {subject}",
            f"{subject}, {name}",
        )
    style = scene.style
    return _captions(
        scene.words,
        *(f"{OPENINGS[style]} a {subject} {place}" for place in places),
        *(f"a {subject} {place}, {style}{ending}" for place in places for ending in ("", " style")),
        f"{style}, a {subject} {places[0]}",
        f"{style}, {name}, {subject}",
        f"{subject}, {style}, {name}",
    )


def partial_captions(scene: Scene) -> tuple[Caption, ...]:
    """Return wordings that are true of the scene but omit its background, or all but one of its words."""
    shape, colour, style = scene.shape, scene.colour, scene.style
    place, opening = PLACES[scene.background][0], OPENINGS[scene.style]
    return (
        *_captions({shape, colour}, f"a {colour} {shape}"),
        *_captions({shape, colour, style}, f"a {colour} {shape}, {style}", f"{opening} a {colour} {shape}"),
        *_captions({shape}, *shape_wordings(shape)),
        *_captions({shape, style}, f"{opening} a {shape}"),
        *_captions({shape, scene.background}, f"a {shape} {place}"),
        *_captions({colour}, *colour_wordings(colour)),
        *_captions({scene.background}, *background_wordings(scene.background)),
        *_captions({style}, *style_wordings(style)),
    )


def shape_wordings(shape: str) -> tuple[str, ...]:
    """Return texts that name the shape alone; zero-shot evaluation uses the first, here and below."""
    return (f"a {shape}", shape)


def colour_wordings(colour: str) -> tuple[str, ...]:
    """Return texts that name the fill colour alone."""
    return (f"a {colour} shape", f"something {colour}")


def background_wordings(background: str) -> tuple[str, ...]:
    """Return texts that name the background alone."""
    return (f"a picture {PLACES[background][0]}", background)


def style_wordings(style: str) -> tuple[str, ...]:
    """Return texts that name the style alone."""
    return (f"a picture in {style} style", style)


def random_caption(scene: Scene, rng: random.Random, partial: float = 0.1) -> Caption:
    """Draw a caption for training: a share of `partial` ones, and two in nine of the others without a style."""
    if rng.random() < partial:
        return rng.choice(partial_captions(scene))
    return rng.choice(full_captions(scene, with_style=rng.random() >= 2 / 9))


def all_captions() -> list[str]:
    """Return every caption text of every scene, without repetition, in a fixed order."""
    texts: dict[str, None] = {}
    for shape, colour, background, style in itertools.product(SHAPES, COLOURS, BACKGROUNDS, STYLES):
        scene = Scene(shape=shape, colour=colour, background=background, style=style)
        for caption in (
            *full_captions(scene),
            *full_captions(scene, with_style=False),
            *partial_captions(scene),
        ):
            texts[caption.text] = None
    return list(texts)


def _captions(claims: frozenset[str] | set[str], *texts: str) -> tuple[Caption, ...]:
    return tuple(Caption(text=text, claims=frozenset(claims)) for text in texts)
