"""How far apart two renderings of one frame are: in their pixels, and in their circumstances. Pure."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from farm.records import FrameRow, Pixels


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """How far apart two pictures of one size are, in 8-bit levels over RGB; `psnr` in dB, None for equal ones."""

    max: int
    mean: float
    psnr: float | None

    @classmethod
    def between(cls, first: Pixels, second: Pixels) -> Difference | None:
        """Compare two pictures; None where their sizes differ.

        PSNR is 10 log10(255^2 / mean squared difference).
        """
        if first.shape != second.shape:
            return None
        apart = np.maximum(first, second) - np.minimum(first, second)
        squared = float(np.square(apart, dtype=np.uint16).mean(dtype=np.float64))
        psnr = 10 * math.log10(255**2 / squared) if squared else None
        return cls(max=int(apart.max()), mean=float(apart.mean(dtype=np.float64)), psnr=psnr)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One circumstance that is not as it was; empty where one of the two does not tell of it."""

    key: str
    recorded: str
    now: str

    def __str__(self) -> str:
        return f"{self.key} {self.recorded or 'unrecorded'} -> {self.now or 'unrecorded'}"


def changes(recorded: FrameRow, now: FrameRow) -> tuple[Change, ...]:
    """Return in what the circumstances of two renderings differ: environment, device, frames per model call."""
    then, today = _circumstances(recorded), _circumstances(now)
    return tuple(
        Change(key=key, recorded=then.get(key, ""), now=today.get(key, ""))
        for key in sorted(then | today)
        if then.get(key) != today.get(key)
    )


def _circumstances(row: FrameRow) -> dict[str, str]:
    try:
        environment = json.loads(row.environment)
    except ValueError:
        environment = {}
    told = _flat(environment) if isinstance(environment, Mapping) else {}
    return {"device": row.device, **told, "frames_per_call": str(row.frames_per_call)}


def _flat(values: Mapping[str, object], prefix: str = "") -> dict[str, str]:
    flat: dict[str, str] = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value if isinstance(value, str) else json.dumps(value)
    return flat
