"""The outputs that the reducer assembles from frames."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class GifSpec:
    """An animated GIF.

    `fps` is in frames per second; `rubber_band` plays forwards, then backwards, without repeating the end frames.
    """

    fps: float
    rubber_band: bool
    loop: bool
    colors: int
    palette: Literal["global", "per_frame"]
    dither: bool
    scale: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Mp4Spec:
    """An H.264 video; `crf` is x264's constant rate factor, 0 (lossless) to 51 (worst)."""

    fps: float
    crf: int
    preset: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetSpec:
    """A contact sheet of at most `max_frames` evenly spaced frames, each at most `thumbnail` pixels wide."""

    columns: int
    max_frames: int
    thumbnail: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GridSpec:
    """`grid.png`: all frames row by row at full size, with a label per row and column (empty for none)."""

    rows: int
    columns: int
    row_labels: tuple[str, ...]
    column_labels: tuple[str, ...]
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputSpec:
    """The outputs of a job; None or False for a disabled output."""

    gif: GifSpec | None
    mp4: Mp4Spec | None
    contact_sheet: SheetSpec | None
    grid: GridSpec | None
    report: bool = True
