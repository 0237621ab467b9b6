"""Classify one frame by its ledger row, its file content and a second rendering. No I/O."""

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
    """The difference of two images of the same size, in 8-bit levels over RGB. `psnr` is in dB, None if equal."""

    max: int
    mean: float
    psnr: float | None

    @classmethod
    def between(cls, first: Pixels, second: Pixels) -> Difference | None:
        """Return the difference of two images; None if their sizes differ.

        PSNR is 10 log10(255^2 / mean squared difference).
        """
        if first.shape != second.shape:
            return None
        difference = np.maximum(first, second) - np.minimum(first, second)
        squared = float(np.square(difference, dtype=np.uint16).mean(dtype=np.float64))
        psnr = 10 * math.log10(255**2 / squared) if squared else None
        return cls(max=int(difference.max()), mean=float(difference.mean(dtype=np.float64)), psnr=psnr)


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentChange:
    """A property of the environment that changed; empty where it is not recorded."""

    key: str
    recorded: str
    now: str

    def __str__(self) -> str:
        return f"{self.key} {self.recorded or 'unrecorded'} -> {self.now or 'unrecorded'}"


def changes(recorded: FrameRow, now: FrameRow) -> tuple[EnvironmentChange, ...]:
    """Return the differences between two renderings in environment, device and frames per model call."""
    before, after = _properties(recorded), _properties(now)
    return tuple(
        EnvironmentChange(key=key, recorded=before.get(key, ""), now=after.get(key, ""))
        for key in sorted(before | after)
        if before.get(key) != after.get(key)
    )


def _properties(row: FrameRow) -> dict[str, str]:
    try:
        environment = json.loads(row.environment)
    except ValueError:
        environment = {}
    recorded = _flat(environment) if isinstance(environment, Mapping) else {}
    return {"device": row.device, **recorded, "frames_per_call": str(row.frames_per_call)}


def _flat(values: Mapping[str, object], prefix: str = "") -> dict[str, str]:
    flat: dict[str, str] = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value if isinstance(value, str) else json.dumps(value)
    return flat


class Verdict(StrEnum):
    """The result of verifying a frame."""

    IDENTICAL = "identical"
    """A second rendering gives the pixels in the file."""
    DIFFERS = "differs"
    """The file is unchanged, but a second rendering gives other pixels."""
    ALTERED = "altered"
    """The file was changed after it was written."""
    MISSING = "missing"
    """The planned frame is missing."""
    OTHER_RECIPE = "other recipe"
    """The frame was rendered with a recipe or model other than the current one."""
    FAILED = "failed"
    """The second rendering failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileContent:
    """The current content of a frame's file. If it is not an image, `problem` says why and the rest is empty."""

    file_sha256: str = ""
    content_sha256: str = ""
    width: int = 0
    height: int = 0
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """The evidence on one frame.

    `row` is its ledger row, if any; `stale` says how its recipe differs from the planned one (empty if it does not);
    `content` is None if there is no file. `again` is the row of the second rendering, or None with `failure` as the
    reason. `difference` compares the pixels of the file and of the second rendering.
    """

    frame: int
    row: FrameRow | None
    stale: str = ""
    content: FileContent | None = None
    again: FrameRow | None = None
    failure: str = ""
    difference: Difference | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameFinding:
    """The verdict on frames `first` to `last`, inclusive: one frame, or neighbours with equal findings.

    `pixels_as_recorded` says whether an altered file still has the pixels that the ledger records (None if it has no
    pixels). `changes` are properties that must be equal for equal bits. If the frame differs, `nodes` are the hosts of
    both renderings.
    """

    first: int
    last: int
    verdict: Verdict
    reason: str = ""
    pixels_as_recorded: bool | None = None
    difference: Difference | None = None
    changes: tuple[EnvironmentChange, ...] = ()
    nodes: tuple[str, ...] = ()

    @property
    def count(self) -> int:
        """The number of frames."""
        return self.last - self.first + 1

    def joined(self, other: FrameFinding) -> FrameFinding | None:
        """Return both as one finding if `other` is adjacent and equal, else None; differences are never merged."""
        if other.first != self.last + 1 or self.difference is not None:
            return None
        both = dataclasses.replace(self, last=other.last)
        return both if dataclasses.replace(other, first=self.first) == both else None


def classify(evidence: Evidence) -> FrameFinding:
    """Return the verdict on one frame."""
    row, content, again = evidence.row, evidence.content, evidence.again
    if row is None:
        return _finding(evidence, Verdict.MISSING, "not in the ledger")
    if evidence.stale:
        return _finding(evidence, Verdict.OTHER_RECIPE, evidence.stale)
    if content is None:
        return _finding(evidence, Verdict.MISSING, "its file is missing")
    if content.problem:
        return _finding(evidence, Verdict.ALTERED, content.problem)
    if content.file_sha256 != row.file_sha256 or content.content_sha256 != row.content_sha256:
        same = content.content_sha256 == row.content_sha256
        return dataclasses.replace(
            _finding(evidence, Verdict.ALTERED, _alteration(row, content)), pixels_as_recorded=same
        )
    if again is None:
        return _finding(evidence, Verdict.FAILED, evidence.failure)
    if again.content_sha256 == content.content_sha256:
        return _finding(evidence, Verdict.IDENTICAL)
    return dataclasses.replace(_finding(evidence, Verdict.DIFFERS), nodes=(row.node, again.node))


def staleness(plan: Plan, row: FrameRow) -> str:
    """Return how the recipe of a row differs from that of `plan` for its frame; empty if it does not."""
    same_model = plan.renderer_digest == row.renderer_digest
    recipe = dataclasses.replace(plan, renderer_digest=row.renderer_digest).frame(row.frame).digest
    if recipe == row.recipe_digest:
        return "" if same_model else "the model changed since"
    return "its recipe changed since" if same_model else "its recipe and the model changed since"


def _finding(evidence: Evidence, verdict: Verdict, reason: str = "") -> FrameFinding:
    both = evidence.row is not None and evidence.again is not None
    return FrameFinding(
        first=evidence.frame,
        last=evidence.frame,
        verdict=verdict,
        reason=reason,
        difference=evidence.difference,
        changes=changes(evidence.row, evidence.again) if both else (),  # type: ignore[arg-type]
    )


def _alteration(row: FrameRow, content: FileContent) -> str:
    if content.file_sha256 == row.file_sha256:
        return "its ledger row was changed: it describes other pixels than the file contains; remove the file"
    if content.content_sha256 == row.content_sha256:
        return "its file was changed, its pixels were not"
    if (content.width, content.height) != (row.width, row.height):
        return f"its file has {content.width}x{content.height} pixels, not {row.width}x{row.height}"
    return "its pixels were changed"
