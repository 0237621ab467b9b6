"""Numbers, times and sentences in words."""

from __future__ import annotations

from datetime import UTC, datetime

from farm.records import Sentence
from farm.report.data import FrameSpan, State

STATES: dict[State, str] = {
    "running": "Running",
    "done": "Done",
    "partial": "Partly done",
    "failed": "Failed",
    "interrupted": "Interrupted",
}


def date(moment: str) -> str:
    """Return an ISO 8601 time as `22 Nov 2026, 05:29 UTC`, and any other text unchanged."""
    try:
        when = datetime.fromisoformat(moment)
        when = when.astimezone(UTC) if when.tzinfo else when
    except (ValueError, OverflowError):
        return moment
    return f"{when.day} {when:%b %Y, %H:%M} UTC"


def count(number: int, noun: str) -> str:
    """Return `1 frame`, `1,200 frames`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def span(frames: FrameSpan) -> str:
    """Return `Frame 7`, or `Frames 7 to 12`."""
    if frames.first == frames.last:
        return f"Frame {frames.first}"
    return f"Frames {frames.first} to {frames.last}"


def linked(sentence: Sentence) -> tuple[tuple[str, int | None], ...]:
    """Split a sentence at its places into pieces, each with its frame if it is the number of one.

    The pieces make up the complete text. A place without the digits of its frame is ignored.
    """
    pieces: list[tuple[str, int | None]] = []
    done, text = 0, sentence.text
    for frame, place in zip(sentence.frames, sentence.places, strict=False):
        digits = str(frame)
        if place >= done and text.startswith(digits, place):
            pieces += [(text[done:place], None), (digits, frame)]
            done = place + len(digits)
    return tuple(piece for piece in (*pieces, (text[done:], None)) if piece[0])


def percent(value: float) -> str:
    """Return a share of 1 as a percentage: `12.5%`, `100%`."""
    return f"{100 * value:.1f}".removesuffix(".0") + "%"
