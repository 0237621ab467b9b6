"""The account of a job: what its curves say, as values and as sentences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from farm.analyze.insights import sentences as wording
from farm.analyze.insights.agreement import Agreement, agreement_of
from farm.analyze.insights.outliers import Jump, jumps, outliers
from farm.analyze.insights.sentences import Sentence
from farm.analyze.insights.transitions import Curves, GroupStory, array_of, order_of, stories
from farm.records import Column


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What the frames of a job together show; `dataclasses.asdict` makes JSON of it.

    `order` names the groups that change, by when they first do; those of one tuple change together. `outliers` and
    `blank` are frames. `agreement` is None where not both CLIP and a classifier looked.
    """

    stories: tuple[GroupStory, ...]
    order: tuple[tuple[str, ...], ...]
    jumps: tuple[Jump, ...]
    outliers: tuple[int, ...]
    blank: tuple[int, ...]
    agreement: Agreement | None
    sentences: tuple[Sentence, ...]


def account(columns: Sequence[Column], curves: Curves, *, moves: bool = True) -> Account:
    """Return what curves say.

    `columns` are those that were measured (`columns_of`), and `curves` holds the values of each for every frame of the
    job, from frame 0 on, all of one length, with None where there is none. Pictures that do not move, but stand side
    by side, have no stories, jumps and outliers.
    """
    told = stories(columns, curves) if moves else ()
    order = order_of(told)
    jumped = tuple(jumps(columns, curves)) if moves else ()
    standing_out = outliers(array_of(curves, "rgb_change"), array_of(curves, "flicker")) if moves else ()
    blank = tuple(frame for frame, value in enumerate(curves.get("blank", ())) if value)
    agreement = agreement_of(curves)
    return Account(
        stories=told,
        order=tuple(tuple(one.group for one in together) for together in order),
        jumps=jumped,
        outliers=standing_out,
        blank=blank,
        agreement=agreement,
        sentences=(
            *wording.of_order(order),
            *(sentence for story in told for sentence in wording.of_story(story)),
            *wording.of_jumps(jumped),
            *wording.of_outliers(standing_out),
            *wording.of_blank(blank),
            *wording.of_agreement(agreement),
        ),
    )
