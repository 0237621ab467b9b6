"""What the contact sheet of a page shows: pictures, and where some are missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from farm.report.data import FlaggedFrame, FrameSpan
from farm.report.pictures import Picture


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A frame's picture, or None for frames that are missing; `said` is what is to be said of them, if anything.

    `caption` says what sets the frame apart, empty where nothing does.
    """

    numbers: str
    picture: Picture | None
    said: str
    caption: str = ""


def cells_of(
    pictures: Sequence[Picture],
    missing: Sequence[FrameSpan],
    flagged: Sequence[FlaggedFrame],
    captions: Mapping[int, str],
) -> tuple[Cell, ...]:
    """Return the cells in the order of their frames; a span of missing frames is one."""
    said = {flag.frame: f"{flag.flag}: {flag.reason}" for flag in flagged}
    cells = {
        picture.frame: Cell(
            numbers=str(picture.frame),
            picture=picture,
            said=said.get(picture.frame, ""),
            caption=captions.get(picture.frame, ""),
        )
        for picture in pictures
    }
    holes = {span.first: Cell(numbers=_numbers(span), picture=None, said=span.reason) for span in missing}
    return tuple(cell for _, cell in sorted((holes | cells).items()))


def _numbers(span: FrameSpan) -> str:
    return str(span.first) if span.first == span.last else f"{span.first}–{span.last}"
