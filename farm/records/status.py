"""The status of frames: counts, ranges with a reason, and shares of workers and environments."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from farm.records.fields import Natural, Seconds


class RenderReason(StrEnum):
    """Why a planned frame is to be rendered or kept."""

    KEPT = "already rendered"
    NEW = "not rendered yet"
    CHANGED = "its recipe changed"
    LOST = "its file is missing or damaged"


class FrameStatus(StrEnum):
    """The state of a planned frame's file."""

    INTACT = "whole"
    """Its file is bit for bit as written, from the planned recipe."""
    ALTERED = "file changed since it was written"
    MISSING = "file missing"
    OTHER_RECIPE = "recipe changed since"
    NOT_RENDERED = "not rendered"

    @property
    def render_reason(self) -> RenderReason:
        """Why the next run renders or keeps the frame."""
        return _REASONS[self]


_REASONS = {
    FrameStatus.INTACT: RenderReason.KEPT,
    FrameStatus.ALTERED: RenderReason.LOST,
    FrameStatus.MISSING: RenderReason.LOST,
    FrameStatus.OTHER_RECIPE: RenderReason.CHANGED,
    FrameStatus.NOT_RENDERED: RenderReason.NEW,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameCounts:
    """Numbers of frames; `planned` is the sum of the others unless the run was interrupted.

    `kept` frames existed before the run, `cached` frames were read from the cache.
    """

    planned: Natural
    rendered: Natural
    cached: Natural
    kept: Natural
    failed: Natural

    @property
    def finished(self) -> int:
        """The number of frames that exist now."""
        return self.rendered + self.cached + self.kept


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameRange:
    """Frames `first` to `last`, inclusive, that share a reason."""

    first: Natural
    last: Natural
    reason: str

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise ValueError("its last frame comes before its first")


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerShare:
    """The finished frames that one worker rendered, and the seconds of its model calls for them."""

    name: str
    node: str
    device: str
    frames: Natural
    seconds: Seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentShare:
    """The number of frames from one environment, in which equal recipes give equal bits."""

    environment: Mapping[str, object]
    frames: Natural


class Ranges:
    """Collects frames, added in order, into ranges of consecutive frames that share a reason."""

    def __init__(self) -> None:
        self._ranges: list[FrameRange] = []

    def add(self, frame: int, reason: str) -> None:
        """Add a frame after all earlier ones."""
        previous = self._ranges[-1] if self._ranges else None
        if previous is not None and previous.last == frame - 1 and previous.reason == reason:
            self._ranges[-1] = dataclasses.replace(previous, last=frame)
        else:
            self._ranges.append(FrameRange(first=frame, last=frame, reason=reason))

    @property
    def ranges(self) -> tuple[FrameRange, ...]:
        """The ranges so far."""
        return tuple(self._ranges)


def ranges_of(reasons: Iterable[tuple[int, str]]) -> tuple[FrameRange, ...]:
    """Return frames, given in order with their reasons, as ranges of consecutive frames that share a reason."""
    collected = Ranges()
    for frame, reason in reasons:
        collected.add(frame, reason)
    return collected.ranges
