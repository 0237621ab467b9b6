"""Numbers and times as people write them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime

from farm.report.data import FrameSpan, State

STATES: dict[State, str] = {
    "running": "Running",
    "done": "Done",
    "partial": "Partly done",
    "failed": "Failed",
    "interrupted": "Interrupted",
}


def duration(seconds: float) -> str:
    """Return a length of time in its two largest units: `2 min 1 s`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    minutes, second = divmod(whole, 60)
    hours, minute = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minute} min"
    return f"{minutes} min {second} s" if minutes else f"{second} s"


def size(count: int) -> str:
    """Return a number of bytes in decimal units: `3.1 MB`."""
    if count < 1000:
        return f"{count} B"
    value = count / 1000
    for unit in ("kB", "MB"):
        if value < 999.5:
            return f"{value:.3g} {unit}"
        value /= 1000
    return f"{value:.3g} GB" if value < 1000 else f"{value:.0f} GB"


def date(moment: str) -> str:
    """Return an ISO 8601 time as `22 Nov 2026, 05:29 UTC`; what is no such time, as it is."""
    try:
        when = datetime.fromisoformat(moment)
    except ValueError:
        return moment
    when = when.astimezone(UTC) if when.tzinfo else when
    return f"{when.day} {when:%b %Y, %H:%M} UTC"


def count(number: int, noun: str) -> str:
    """Return `1 frame`, `1,200 frames`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def span(frames: FrameSpan) -> str:
    """Return `Frame 7`, or `Frames 7 to 12`."""
    if frames.first == frames.last:
        return f"Frame {frames.first}"
    return f"Frames {frames.first} to {frames.last}"


def linked(text: str, frames: Sequence[int]) -> tuple[tuple[str, int | None], ...]:
    """Cut a sentence into pieces, of which those that are a frame's number say which; the text stays whole.

    Frames whose number is not in the text come at the end, with an empty text.
    """
    known = {str(frame): frame for frame in frames}
    pieces: list[tuple[str, int | None]] = []
    found: set[int] = set()
    for piece in re.split(r"(?<![\w.,])(\d+)(?![\w%]|[.,]\d)", text):
        frame = known.get(piece)
        if piece:
            pieces.append((piece, frame))
        if frame is not None:
            found.add(frame)
    return (*pieces, *(("", frame) for frame in dict.fromkeys(frames) if frame not in found))
