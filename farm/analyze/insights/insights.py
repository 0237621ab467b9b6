"""The insights of a job from its curves, as values and as sentences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from farm.analyze.insights import sentences
from farm.analyze.insights.agreement import Agreement, agreement_of
from farm.analyze.insights.curves import Curves, array_of
from farm.analyze.insights.outliers import Jump, jumps, outliers
from farm.analyze.insights.transitions import GroupTimeline, order_of_change, timelines
from farm.records import Column, Sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class Insights:
    """The insights from all frames of a job; `dataclasses.asdict` converts them for JSON.

    `order` has the groups that change, by their first transition; simultaneous ones share a tuple. `outliers` and
    `blank` are frames. `agreement` is None unless both CLIP and a classifier scored frames.
    """

    stories: tuple[GroupTimeline, ...]
    order: tuple[tuple[str, ...], ...]
    jumps: tuple[Jump, ...]
    outliers: tuple[int, ...]
    blank: tuple[int, ...]
    agreement: Agreement | None
    sentences: tuple[Sentence, ...]


def insights_of(columns: Sequence[Column], curves: Curves, *, moves: bool = True) -> Insights:
    """Return the insights of a job.

    `columns` are the measured ones (`columns_of`), and `curves` has the values of each for every frame of the job, from
    frame 0, all of one length, with None where nothing was measured. With `moves` False the pictures are not an
    animation and have no timelines, jumps or outliers.
    """
    groups = timelines(columns, curves) if moves else ()
    order = order_of_change(groups)
    largest = tuple(jumps(columns, curves)) if moves else ()
    standing_out = outliers(array_of(curves, "rgb_change"), array_of(curves, "flicker")) if moves else ()
    blank = tuple(frame for frame, value in enumerate(curves.get("blank", ())) if value)
    agreement = agreement_of(curves)
    return Insights(
        stories=groups,
        order=tuple(tuple(one.group for one in simultaneous) for simultaneous in order),
        jumps=largest,
        outliers=standing_out,
        blank=blank,
        agreement=agreement,
        sentences=(
            *sentences.of_order(order),
            *(sentence for group in groups for sentence in sentences.of_timeline(group)),
            *sentences.of_jumps(largest),
            *sentences.of_outliers(standing_out),
            *sentences.of_blank(blank),
            *sentences.of_agreement(agreement),
        ),
    )
