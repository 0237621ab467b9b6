"""Pictures that something went wrong with, though no error was raised."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from farm.records import Frame, Pixels

BLANK = "blank"


def flaw_of(picture: Pixels | None) -> str:
    """Return what is wrong with a picture: empty for nothing, BLANK for one of a single colour."""
    if picture is None:
        return "not all of its values are numbers (float16 overflows: try torch_dtype float32 or bfloat16)"
    return BLANK if bool((picture == picture[0, 0]).all()) else ""


def told(frames: Iterable[Frame], pictures: Sequence[Pixels | None]) -> str:
    """Return the flaws of a chunk's pictures in words; empty where there are none."""
    flaws = ((frame.index, flaw_of(picture)) for frame, picture in zip(frames, pictures, strict=True))
    return "; ".join(f"frame {index}: {flaw}" for index, flaw in flaws if flaw)
