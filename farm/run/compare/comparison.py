"""What came of comparing two jobs."""

from __future__ import annotations

import json
from dataclasses import dataclass

from farm.reduce import FrameRange

_ALL, _PART = 0, 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A field of the manifest in which both jobs differ, and its values as JSON has them; None where it is not set."""

    field: str
    first: object
    second: object


def said(value: object, most: int) -> str:
    """Return a setting's value in at most so many letters; a dash where it is not set."""
    if value is None:
        return "-"
    if isinstance(value, str):
        text = value
    else:
        text = f"{value:g}" if isinstance(value, float) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= most else f"{text[: most - 3]}..."


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One of the jobs, in the frames that both have.

    `label` tells it from the other, `seconds_per_frame` is the median of its share of a model call, `clip_score` the
    mean of CLIP's similarity to the prompts shown (-1 to 1), `sharpness` the mean variance of the Laplacian in squared
    8-bit levels. `missing` are frames that it lacks, and why; `devices` what rendered the others.
    """

    label: str
    folder: str
    missing: tuple[FrameRange, ...]
    devices: tuple[str, ...]
    seconds_per_frame: float
    clip_score: float | None
    sharpness: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Distance:
    """How far the jobs' frames are apart; `frame` is where most."""

    mean: float
    max: float
    frame: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two jobs side by side: `compared` of `planned` frames are in both.

    `clip` is the model that scored, empty for none. `rgb` is the root mean square difference of colour values, of their
    range 0 to 1, `perceptual` (1 - SSIM) / 2, of 0 to 1; both None where sizes differ. `folder` holds the `files`.
    """

    first: Side
    second: Side
    planned: int
    compared: int
    settings: tuple[Setting, ...]
    clip: str
    rgb: Distance | None
    perceptual: Distance | None
    remarks: tuple[str, ...]
    folder: str
    files: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        """0 all frames compared; 3 some are not there in one of the jobs."""
        return _ALL if self.compared == self.planned else _PART
