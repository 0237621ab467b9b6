"""Which label leads when: short leads and those by a hair do not count."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from farm.analyze.judge.curves import Array

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
