"""The leading labels of each group over time, the transitions between them, and the order in which groups change.

A segment is a range of positions in which one label leads clearly. Positions count the measured frames of a group.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
import numpy.typing as npt

from farm.analyze.insights.curves import Array, Curves, array_of, label_groups
from farm.records import Column

CLEAR = 0.2
"""The lead in probability that counts as clear; with less, noise may put either of two labels on top."""

SEGMENT_SHARE = 30
"""A segment is longer than one in so many of a job's frames: 6 of 150. Anything shorter is a flash."""

FLUTTER = 2
"""Frames. During a change, noise lets the labels alternate for a frame or two, however short the job is: a segment is
longer."""

FLUTTER_SHARE = 10
"""In a job of fewer than 20 frames each frame was chosen deliberately: a segment need only be longer than one in so
many of them, so 2 frames of 10, or 1 of 5, are enough."""

SUDDEN = 3
"""Steps from frame to frame. At the ten frames a second of a default GIF they take 0.3 s, about as long as an eye
fixation: too short to watch the change happen, however many frames surround it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """The number of a label, and the first and last position of a range in which it leads clearly."""

    label: int
    first: int
    last: int

    @property
    def length(self) -> int:
        """The number of positions."""
        return self.last - self.first + 1


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
class GroupTimeline:
    """The labels of a group that lead in turn over a job, and the transitions between them.

    A group in which one label leads throughout has no transitions; one in which none ever leads clearly has no labels
    either. `frames` is the number of measured frames.
    """

    group: str
    labels: tuple[str, ...]
    transitions: tuple[Transition, ...]
    frames: int


def timelines(columns: Sequence[Column], curves: Curves) -> tuple[GroupTimeline, ...]:
    """Return the timeline of every label group with a measured frame."""
    found = (_timeline(group, members, curves) for group, members in label_groups(columns).items())
    return tuple(timeline for timeline in found if timeline.frames)


def order_of_change(groups: Sequence[GroupTimeline]) -> tuple[tuple[Transition, ...], ...]:
    """Return the first transition of every group that changes, by frame; simultaneous ones share a tuple.

    Transitions are simultaneous up to SUDDEN frames after the first of them.
    """
    firsts = sorted((one.transitions[0] for one in groups if one.transitions), key=lambda one: one.frame)
    order: list[list[Transition]] = []
    for one in firsts:
        if order and one.frame - order[-1][0].frame <= SUDDEN:
            order[-1].append(one)
        else:
            order.append([one])
    return tuple(map(tuple, order))


def segments(probabilities: Array) -> list[Segment]:
    """Return the segments of a group, neighbours of different labels; none if no label ever leads clearly.

    `probabilities` has the shape [positions, labels]. The first and the last segment may have any length.
    """
    found = _joined(list(_clear(probabilities)))
    required = minimum_length(len(probabilities))
    while len(found) > 2:
        shortest = min(found[1:-1], key=lambda segment: segment.length)
        if shortest.length >= required:
            break
        found = _joined([segment for segment in found if segment is not shortest])
    return found


def minimum_length(frames: int) -> int:
    """Return the minimum length of a segment between two others in a job of so many frames: 3 of 24, 6 of 150."""
    return 1 + max(frames // SEGMENT_SHARE, min(FLUTTER, frames // FLUTTER_SHARE))


def crossing(before: Array, after: Array) -> int:
    """Return the position from which the second label leads: that with the fewest exceptions on both sides.

    Both are probabilities of shape [positions]; the first label leads at the first position, the second at the last.
    If the curves cross once, it is the first position after the crossing; of equally good ones, the earliest.
    """
    ahead = after > before
    wrong_before = np.cumsum(ahead)[:-1]
    wrong_after = np.cumsum(~ahead[::-1])[::-1][1:]
    return int(np.argmin(wrong_before + wrong_after)) + 1


def _clear(probabilities: Array) -> Iterator[Segment]:
    """Yield a segment of length 1 for every position with a clear lead."""
    ranked = np.sort(probabilities, axis=1)
    clear = ranked[:, -1] - ranked[:, -2] >= CLEAR
    best = probabilities.argmax(axis=1)
    for position in np.flatnonzero(clear).tolist():
        yield Segment(label=int(best[position]), first=position, last=position)


def _joined(found: Sequence[Segment]) -> list[Segment]:
    """Join neighbours of the same label."""
    joined: list[Segment] = []
    for segment in found:
        if joined and joined[-1].label == segment.label:
            joined[-1] = Segment(label=segment.label, first=joined[-1].first, last=segment.last)
        else:
            joined.append(segment)
    return joined


def _timeline(group: str, members: Sequence[Column], curves: Curves) -> GroupTimeline:
    values = np.stack([array_of(curves, column.name) for column in members], axis=1)
    frames = np.flatnonzero(np.isfinite(values).all(axis=1))
    probabilities = values[frames]
    names = [column.label for column in members]
    found = segments(probabilities)
    return GroupTimeline(
        group=group,
        labels=tuple(names[segment.label] for segment in found),
        transitions=tuple(
            _transition(group, names, probabilities, frames, one, other) for one, other in pairwise(found)
        ),
        frames=len(frames),
    )


def _transition(
    group: str,
    names: Sequence[str],
    probabilities: Array,
    frames: npt.NDArray[np.intp],
    one: Segment,
    other: Segment,
) -> Transition:
    before, after = (probabilities[one.first : other.last + 1, each.label] for each in (one, other))
    crossed = crossing(before, after)
    start, end = _central_part(_share(before, after), crossed)
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
    """Return the second label's share of both probabilities, 0 to 1."""
    both = before + after
    return np.divide(after, both, out=np.full_like(both, 0.5), where=both > 0)


def _central_part(share: Array, crossed: int) -> tuple[int, int]:
    """Return the positions next to the crossing with at most 10%, and at least 90%, of the change from low to high.

    Low is the minimum before the crossing and high the maximum after it, without single spikes.
    """
    low, high = _without_spikes(share[:crossed]).min(), _without_spikes(share[crossed:]).max()
    start = np.flatnonzero(share[:crossed] <= low + 0.1 * (high - low))[-1]
    end = np.flatnonzero(share[crossed:] >= high - 0.1 * (high - low))[0]
    return int(start), crossed + int(end)


def _without_spikes(curve: Array) -> Array:
    """Return the medians of three neighbours."""
    if len(curve) < 3:
        return curve
    return np.median(np.stack([curve[:-2], curve[1:-1], curve[2:]]), axis=0)
