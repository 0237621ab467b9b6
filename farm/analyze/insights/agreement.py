"""How often CLIP and the classifier name the same class."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from farm.analyze.insights.transitions import Array, Curves, array_of

MOST_EXAMPLES = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Disagreement:
    """What both say of a frame."""

    frame: int
    clip: str
    classifier: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """CLIP against the classifier, in the `frames` that both judged.

    `counts[i][j]` frames are `labels[i]` to CLIP and `labels[j]` to the classifier; the labels are those that occur,
    the most frequent first. `examples` are of the most frequent disagreements, each the frame in which the classifier
    is surest.
    """

    frames: int
    agreeing: int
    rate: float
    labels: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]
    examples: tuple[Disagreement, ...]


def agreement_of(curves: Curves) -> Agreement | None:
    """Return how far both agree, or None where no frame was judged by both."""
    pairs = {
        frame: (str(clip), str(classifier))
        for frame, (clip, classifier) in enumerate(
            zip(curves.get("clip_class", ()), curves.get("classifier_label_1", ()), strict=False)
        )
        if clip is not None and classifier is not None
    }
    if not pairs:
        return None
    counted = Counter(pairs.values())
    seen = Counter(label for pair in pairs.values() for label in pair)
    labels = tuple(sorted(seen, key=lambda label: (-seen[label], label)))
    agreeing = sum(count for (clip, classifier), count in counted.items() if clip == classifier)
    return Agreement(
        frames=len(pairs),
        agreeing=agreeing,
        rate=agreeing / len(pairs),
        labels=labels,
        counts=tuple(tuple(counted[clip, classifier] for classifier in labels) for clip in labels),
        examples=_examples(pairs, counted, curves),
    )


def _examples(
    pairs: dict[int, tuple[str, str]], counted: Counter[tuple[str, str]], curves: Curves
) -> tuple[Disagreement, ...]:
    sure = array_of(curves, "classifier_probability_1")
    surest: dict[tuple[str, str], int] = {}
    for frame, pair in pairs.items():
        if pair[0] != pair[1] and (pair not in surest or _sure(sure, frame) > _sure(sure, surest[pair])):
            surest[pair] = frame
    most = sorted(surest, key=lambda pair: (-counted[pair], surest[pair]))[:MOST_EXAMPLES]
    return tuple(Disagreement(frame=surest[pair], clip=pair[0], classifier=pair[1]) for pair in most)


def _sure(probabilities: Array, frame: int) -> float:
    return float(np.nan_to_num(probabilities[frame]))
