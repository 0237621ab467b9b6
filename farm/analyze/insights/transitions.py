"""Where one label overtakes another, how long that takes, and which group changes first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
import numpy.typing as npt

from farm.analyze.metrics.analyzer import LABELS
from farm.records import Column, Value

Array = npt.NDArray[np.float64]
Curves = Mapping[str, Sequence[Value]]
"""The values of each column, by frame, from frame 0 on; None where nothing was measured."""


def array_of(curves: Curves, column: str) -> Array:
    """Return a column's numbers by frame, NaN for None, and for every frame of a column that is not there."""
    if column not in curves:
        return np.full(max(map(len, curves.values()), default=0), np.nan)
    values = (np.nan if value is None else float(value) for value in curves[column])
    return np.fromiter(values, dtype=np.float64)


def label_groups(columns: Sequence[Column]) -> dict[str, list[Column]]:
    """Return the columns of each label group's probabilities, by the group's name, in order."""
    groups: dict[str, list[Column]] = {}
    for column in columns:
        if column.group.startswith(LABELS) and column.unit == "probability":
            groups.setdefault(column.group.removeprefix(LABELS), []).append(column)
    return groups


CLEAR = 0.2
"""A label leads clearly by so much probability before the next; where two are closer, either may be on top by noise."""

SHARE_HELD = 30
"""A lead lasts more than one in so many of a job's frames, 6 of 150; what is shorter is a flash, and no stage."""

FLUTTER = 2
"""Frames. Where a change is on its way, noise puts now this label on top and now that one, for a frame or two however
short the job is: a lead lasts longer."""

SHARE_FLUTTER = 10
"""Each of fewer than 20 frames was chosen to show something: there a lead longer than one in so many of them is no
flutter, 2 frames of 10 and 1 of 5."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lead:
    """A label's number, and the first and last position at which it leads clearly."""

    label: int
    first: int
    last: int


def leads(probabilities: Array) -> list[Lead]:
    """Return which labels lead in turn, each other than the one before; none where no label ever leads clearly.

    `probabilities` is of shape [positions, labels]. The first and the last lead count however short they are.
    """
    found = _joined(list(_clear(probabilities)))
    held = shortest_held(len(probabilities))
    while len(found) > 2:
        shortest = min(found[1:-1], key=_length)
        if _length(shortest) >= held:
            break
        found = _joined([lead for lead in found if lead is not shortest])
    return found


def shortest_held(frames: int) -> int:
    """Return how long a lead between two others lasts at least, in a job of so many frames: 3 of 24, 6 of 150."""
    return 1 + max(frames // SHARE_HELD, min(FLUTTER, frames // SHARE_FLUTTER))


def crossing(before: Array, after: Array) -> int:
    """Return the position from which the second label is ahead: where the fewest others contradict it.

    Both are probabilities of shape [positions], the first position being the first label's and the last one the
    second's. Where the curves cross once that is the first position past it; of several just as good, the earliest.
    """
    ahead = after > before
    wrong_before = np.cumsum(ahead)[:-1]
    wrong_after = np.cumsum(~ahead[::-1])[::-1][1:]
    return int(np.argmin(wrong_before + wrong_after)) + 1


def _clear(probabilities: Array) -> Iterator[Lead]:
    ranked = np.sort(probabilities, axis=1)
    clear = ranked[:, -1] - ranked[:, -2] >= CLEAR
    best = probabilities.argmax(axis=1)
    for position in np.flatnonzero(clear).tolist():
        yield Lead(label=int(best[position]), first=position, last=position)


def _joined(found: list[Lead]) -> list[Lead]:
    joined: list[Lead] = []
    for lead in found:
        if joined and joined[-1].label == lead.label:
            joined[-1] = Lead(label=lead.label, first=joined[-1].first, last=lead.last)
        else:
            joined.append(lead)
    return joined


def _length(lead: Lead) -> int:
    return lead.last - lead.first + 1


SUDDEN = 3
"""Steps from frame to frame. At the ten frames a second of a default GIF they take 0.3 s, about as long as an eye
rests on one place: nobody watches such a change happen, whatever the number of frames around it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """A label overtakes another one at `frame`.

    `first` is the last frame with at most 10% of the change behind it, `last` the first frame with 90%; `width` is
    the number of steps between them, 1 for a cut.
    """

    group: str
    before: str
    after: str
    frame: int
    first: int
    last: int
    width: int
    pace: Literal["gradual", "sudden"]


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupStory:
    """What a group of labels says over a job: the labels that lead in turn, and how one becomes the next.

    One label that leads throughout has no transitions; where none ever leads clearly there are no labels either.
    `frames` of the job were measured.
    """

    group: str
    labels: tuple[str, ...]
    transitions: tuple[Transition, ...]
    frames: int


def stories(columns: Sequence[Column], curves: Curves) -> tuple[GroupStory, ...]:
    """Return the story of every label group of which a frame was measured."""
    told = (_story(group, members, curves) for group, members in label_groups(columns).items())
    return tuple(story for story in told if story.frames)


def order_of(told: Sequence[GroupStory]) -> tuple[tuple[Transition, ...], ...]:
    """Return the first transition of every group that changes, by frame; those of one tuple happen together.

    Together are those no more than SUDDEN frames after the first of them.
    """
    firsts = sorted((story.transitions[0] for story in told if story.transitions), key=lambda one: one.frame)
    together: list[list[Transition]] = []
    for one in firsts:
        if together and one.frame - together[-1][0].frame <= SUDDEN:
            together[-1].append(one)
        else:
            together.append([one])
    return tuple(map(tuple, together))


def _story(group: str, members: Sequence[Column], curves: Curves) -> GroupStory:
    whole = np.stack([array_of(curves, column.name) for column in members], axis=1)
    frames = np.flatnonzero(np.isfinite(whole).all(axis=1))
    probabilities = whole[frames]
    names = [column.label for column in members]
    found = leads(probabilities)
    return GroupStory(
        group=group,
        labels=tuple(names[lead.label] for lead in found),
        transitions=tuple(
            _transition(group, names, probabilities, frames, one, next_one)
            for one, next_one in pairwise(found)
        ),
        frames=len(frames),
    )


def _transition(
    group: str,
    names: Sequence[str],
    probabilities: Array,
    frames: npt.NDArray[np.intp],
    one: Lead,
    other: Lead,
) -> Transition:
    before, after = (probabilities[one.first : other.last + 1, lead.label] for lead in (one, other))
    crossed = crossing(before, after)
    start, end = _most_of_it(_share(before, after), crossed)
    first, frame, last = (int(frames[one.first + position]) for position in (start, crossed, end))
    return Transition(
        group=group,
        before=names[one.label],
        after=names[other.label],
        frame=frame,
        first=first,
        last=last,
        width=last - first,
        pace="sudden" if last - first <= SUDDEN else "gradual",
    )


def _share(before: Array, after: Array) -> Array:
    """Return the second label's share of what both have, 0 to 1."""
    both = before + after
    return np.divide(after, both, out=np.full_like(both, 0.5), where=both > 0)


def _most_of_it(share: Array, crossed: int) -> tuple[int, int]:
    """Return the positions next to the crossing with at most 10%, and at least 90%, of the way between both levels.

    The levels are the lowest share before the crossing and the highest after it, single spikes aside.
    """
    low, high = _unspiked(share[:crossed]).min(), _unspiked(share[crossed:]).max()
    start = np.flatnonzero(share[:crossed] <= low + 0.1 * (high - low))[-1]
    end = np.flatnonzero(share[crossed:] >= high - 0.1 * (high - low))[0]
    return int(start), crossed + int(end)


def _unspiked(curve: Array) -> Array:
    """Return medians of three neighbours."""
    if len(curve) < 3:
        return curve
    return np.median(np.stack([curve[:-2], curve[1:-1], curve[2:]]), axis=0)
