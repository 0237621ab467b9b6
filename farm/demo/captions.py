"""Captions: the same scene in many wordings, short or long, in any order, with or without its style."""

from __future__ import annotations

import random
from dataclasses import dataclass

from farm.demo.vocabulary import Scene

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
"""For every background two natural wordings; its own name is the third."""

OPENINGS = {
    "paper cutout": "a paper cutout of",
    "cartoon": "a cartoon of",
    "watercolor": "a watercolor painting of",
    "neon": "a neon sign of",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Caption:
    """A text, and the words of the vocabulary that a picture must show for it to be true."""

    text: str
    claims: frozenset[str]

    def is_true_of(self, scene: Scene) -> bool:
        """Whether the scene shows all that the text claims."""
        return self.claims <= parts(scene)


def parts(scene: Scene) -> frozenset[str]:
    """The four words that a scene consists of."""
    return frozenset((scene.shape, scene.colour, scene.background, scene.style))


def full_captions(scene: Scene, with_style: bool = True) -> tuple[Caption, ...]:
    """Every wording that names shape, colour and background, and the style too if `with_style`."""
    thing, place, bare = f"{scene.colour} {scene.shape}", PLACES[scene.background], scene.background
    if not with_style:
        return _captions(
            parts(scene) - {scene.style},
            *(f"a {thing} {where}" for where in place),
            f"{place[0]}, a {thing}",
            f"{bare}, {thing}",
            f"{thing}, {bare}",
        )
    style = scene.style
    return _captions(
        parts(scene),
        *(f"{OPENINGS[style]} a {thing} {where}" for where in place),
        *(f"a {thing} {where}, {style}{ending}" for where in place for ending in ("", " style")),
        f"{style}, a {thing} {place[0]}",
        f"{style}, {bare}, {thing}",
        f"{thing}, {style}, {bare}",
    )


def partial_captions(scene: Scene) -> tuple[Caption, ...]:
    """Wordings that are true of the scene but leave out its background, or all but one of its parts."""
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
    """Texts that name the shape alone; the first is the one to judge pictures by, here and below."""
    return (f"a {shape}", shape)


def colour_wordings(colour: str) -> tuple[str, ...]:
    """Texts that name the fill colour alone."""
    return (f"a {colour} shape", f"something {colour}")


def background_wordings(background: str) -> tuple[str, ...]:
    """Texts that name the background alone."""
    return (f"a picture {PLACES[background][0]}", background)


def style_wordings(style: str) -> tuple[str, ...]:
    """Texts that name the style alone."""
    return (f"a picture in {style} style", style)


def draw_caption(scene: Scene, rng: random.Random, partial: float = 0.1) -> Caption:
    """A caption as training draws them: a share of partial ones, and two in nine of the rest without a style."""
    if rng.random() < partial:
        return rng.choice(partial_captions(scene))
    return rng.choice(full_captions(scene, with_style=rng.random() >= 2 / 9))


def _captions(claims: frozenset[str] | set[str], *texts: str) -> tuple[Caption, ...]:
    return tuple(Caption(text=text, claims=frozenset(claims)) for text in texts)
