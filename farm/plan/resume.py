"""What a plan still has to render, given the rows of frames that exist: by digest, never by count."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from farm.plan.plan import Plan
from farm.records import FrameRow


class Why(StrEnum):
    """Why a frame is to be rendered, or that it is kept."""

    KEPT = "already rendered"
    NEW = "not rendered yet"
    CHANGED = "its recipe changed"
    GONE = "its file is missing or damaged"


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """Consecutive frames, `last` included, that share a reason."""

    first: int
    last: int
    why: Why

    @property
    def count(self) -> int:
        """How many frames."""
        return self.last - self.first + 1


def judge(plan: Plan, rows: Iterable[FrameRow], is_whole: Callable[[FrameRow], bool]) -> Iterator[Range]:
    """Yield ranges over all frames of the plan, in order.

    `rows` are the ledger's, in order of frames; `is_whole` tells whether a row's file is there as it was written,
    and is asked only where the recipe is the planned one.
    """
    first, former = 0, None
    for index, row in enumerate(_aligned(rows, plan.frame_count)):
        why = _why(plan, index, row, is_whole)
        if former is not None and why is not former:
            yield Range(first=first, last=index - 1, why=former)
            first = index
        former = why
    if former is not None:
        yield Range(first=first, last=plan.frame_count - 1, why=former)


def chunks_to_render(plan: Plan, ranges: Iterable[Range]) -> Iterator[int]:
    """Yield, in order and once each, the chunks that hold a frame which is not kept.

    A hole is filled by rendering its whole chunk again, so that every frame keeps its slot.
    """
    done = -1
    for part in ranges:
        if part.why is Why.KEPT:
            continue
        for index in range(part.first // plan.batch_size, part.last // plan.batch_size + 1):
            if index > done:
                yield index
                done = index


def _aligned(rows: Iterable[FrameRow], frame_count: int) -> Iterator[FrameRow | None]:
    """Yield for every frame its row, or None."""
    remaining = iter(rows)
    row = next(remaining, None)
    for index in range(frame_count):
        while row is not None and row.frame < index:
            row = next(remaining, None)
        yield row if row is not None and row.frame == index else None


def _why(plan: Plan, index: int, row: FrameRow | None, is_whole: Callable[[FrameRow], bool]) -> Why:
    if row is None:
        return Why.NEW
    if plan.frame(index).digest != row.recipe_digest:
        return Why.CHANGED
    return Why.KEPT if is_whole(row) else Why.GONE
