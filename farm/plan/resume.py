"""The frames and chunks that a run renders: ranges of frames that share a reason, and their chunks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

from farm.plan.plan import Plan
from farm.records.status import RenderReason


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """Consecutive frames, `last` included, that share a reason."""

    first: int
    last: int
    reason: RenderReason

    @property
    def count(self) -> int:
        """The number of frames."""
        return self.last - self.first + 1


def ranges_by_reason(reasons: Iterable[RenderReason]) -> Iterator[Range]:
    """Yield ranges over all frames; `reasons` has one for each frame, in order."""
    first = 0
    for reason, group in groupby(reasons):
        count = sum(1 for _ in group)
        yield Range(first=first, last=first + count - 1, reason=reason)
        first += count


def chunks_to_render(plan: Plan, ranges: Iterable[Range]) -> Iterator[int]:
    """Yield, in order and without repetition, the chunks with frames to render.

    A missing frame is replaced by rendering its chunk again, so that every frame keeps its slot.
    """
    done = -1
    for part in ranges:
        if part.reason is RenderReason.KEPT:
            continue
        for index in range(part.first // plan.batch_size, part.last // plan.batch_size + 1):
            if index > done:
                yield index
                done = index
