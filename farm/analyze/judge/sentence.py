"""Sentences that know where in them a frame's number stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """A sentence of the account, and the frames that it names, in the order of the text.

    `places[k]` is the offset in `text` at which the digits of `frames[k]` begin. No other number in it is a frame's:
    counts are not, nor is what stands in a label.
    """

    text: str
    frames: tuple[int, ...] = ()
    places: tuple[int, ...] = ()


def sentence(*parts: str | int) -> Sentence:
    """Return parts joined as they are; numbers among them are frames."""
    text, frames, places = "", [], []
    for part in parts:
        if isinstance(part, int):
            frames.append(part)
            places.append(len(text))
        text += str(part)
    return Sentence(text=text, frames=tuple(frames), places=tuple(places))


def listed(things: Sequence[str | int]) -> list[str | int]:
    """Return the parts of `1, 2 and 3`."""
    parts: list[str | int] = []
    for number, thing in enumerate(things):
        if number:
            parts.append(" and " if number == len(things) - 1 else ", ")
        parts.append(thing)
    return parts


def capital(text: str) -> str:
    """Return a text with a capital letter first."""
    return text[:1].upper() + text[1:]
