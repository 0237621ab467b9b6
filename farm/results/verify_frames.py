"""What one frame is worth: its ledger row, what its file holds now and a second rendering, side by side. Pure."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from farm.plan import Plan
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


class Verdict(StrEnum):
    """What came of checking a frame."""

    IDENTICAL = "identical"
    """A second rendering gives the pixels that the file holds."""
    DIFFERS = "differs"
    """The file is as it was written, and rendering gives other pixels now."""
    ALTERED = "altered"
    """The file is not what was written."""
    MISSING = "missing"
    """It is planned, but not there."""
    OTHER_RECIPE = "other recipe"
    """It was rendered with another recipe or model than the job names now."""
    FAILED = "failed"
    """It could not be rendered again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What a frame's file holds now; where that is no picture, `problem` says why and the rest is empty."""

    file_sha256: str = ""
    content_sha256: str = ""
    width: int = 0
    height: int = 0
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """All that is known of one frame.

    `row` is None for a frame that the ledger does not know, `stale` says how its recipe is not the planned one
    (empty: it is), `held` is None where there is no file, `again` the row of the second rendering or None, and
    `failure` then why; `difference` is between the file's pixels and that rendering's.
    """

    frame: int
    row: FrameRow | None
    stale: str = ""
    held: Held | None = None
    again: FrameRow | None = None
    failure: str = ""
    difference: Difference | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """The verdict on frames `first` to `last`, inclusive: one frame, or neighbours of which the same is to be said.

    `pixels_as_recorded` tells of an altered file whether its pixels are still those that the ledger records (None:
    it holds none). `changes` are of what should be equal for equal bits; `nodes` are the hosts then and now,
    where a frame differs.
    """

    first: int
    last: int
    verdict: Verdict
    reason: str = ""
    pixels_as_recorded: bool | None = None
    difference: Difference | None = None
    changes: tuple[Change, ...] = ()
    nodes: tuple[str, ...] = ()

    @property
    def count(self) -> int:
        """How many frames."""
        return self.last - self.first + 1

    def joined(self, other: Finding) -> Finding | None:
        """Return both as one, if `other` follows and says the same; what was measured stays apart."""
        if other.first != self.last + 1 or self.difference is not None:
            return None
        both = dataclasses.replace(self, last=other.last)
        return both if dataclasses.replace(other, first=self.first) == both else None


def judge(seen: Evidence) -> Finding:
    """Return the verdict on one frame."""
    row, held, again = seen.row, seen.held, seen.again
    if row is None:
        return _finding(seen, Verdict.MISSING, "not in the ledger")
    if seen.stale:
        return _finding(seen, Verdict.OTHER_RECIPE, seen.stale)
    if held is None:
        return _finding(seen, Verdict.MISSING, "its file is gone")
    if held.problem:
        return _finding(seen, Verdict.ALTERED, held.problem)
    if held.file_sha256 != row.file_sha256 or held.content_sha256 != row.content_sha256:
        same = held.content_sha256 == row.content_sha256
        return dataclasses.replace(
            _finding(seen, Verdict.ALTERED, _alteration(row, held)), pixels_as_recorded=same
        )
    if again is None:
        return _finding(seen, Verdict.FAILED, seen.failure)
    if again.content_sha256 == held.content_sha256:
        return _finding(seen, Verdict.IDENTICAL)
    return dataclasses.replace(_finding(seen, Verdict.DIFFERS), nodes=(row.node, again.node))


def staleness(plan: Plan, row: FrameRow) -> str:
    """Say how a row's recipe is not the one that `plan` has for its frame; empty if it is."""
    same_model = plan.renderer_digest == row.renderer_digest
    recipe = dataclasses.replace(plan, renderer_digest=row.renderer_digest).frame(row.frame).digest
    if recipe == row.recipe_digest:
        return "" if same_model else "the model changed since"
    return "its recipe changed since" if same_model else "its recipe and the model changed since"


def _finding(seen: Evidence, verdict: Verdict, reason: str = "") -> Finding:
    both = seen.row is not None and seen.again is not None
    return Finding(
        first=seen.frame,
        last=seen.frame,
        verdict=verdict,
        reason=reason,
        difference=seen.difference,
        changes=changes(seen.row, seen.again) if both else (),  # type: ignore[arg-type]
    )


def _alteration(row: FrameRow, held: Held) -> str:
    if held.file_sha256 == row.file_sha256:
        return (
            "its row in the ledger was changed: it tells of other pixels than the file holds; remove the file"
        )
    if held.content_sha256 == row.content_sha256:
        return "its file was changed, its pixels were not"
    if (held.width, held.height) != (row.width, row.height):
        return f"it holds {held.width}x{held.height} pixels, not {row.width}x{row.height}"
    return "its pixels were changed"
