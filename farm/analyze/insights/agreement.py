"""How often CLIP and the classifier name the same class."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from farm.analyze.insights.curves import Array, Curves, array_of

MAX_EXAMPLES = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Disagreement:
    """The classes that CLIP and the classifier name in a frame."""

    frame: int
    clip: str
    classifier: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """CLIP against the classifier, in the `frames` that both scored.

    In `counts[i][j]` frames CLIP names `labels[i]` and the classifier `labels[j]`; `labels` are those that
    occur, the most frequent first. `examples` show the most frequent disagreements, each by the frame with the highest
    probability of the classifier.
    """

    frames: int
    agreeing: int
    rate: float
    labels: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]
    examples: tuple[Disagreement, ...]


def agreement_of(curves: Curves) -> Agreement | None:
    """Return how often both agree, or None if no frame was scored by both."""
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
    probabilities = array_of(curves, "classifier_probability_1")
    best: dict[tuple[str, str], int] = {}
    for frame, pair in pairs.items():
        if pair[0] != pair[1] and (
            pair not in best or _probability(probabilities, frame) > _probability(probabilities, best[pair])
        ):
            best[pair] = frame
    frequent = sorted(best, key=lambda pair: (-counted[pair], best[pair]))[:MAX_EXAMPLES]
    return tuple(Disagreement(frame=best[pair], clip=pair[0], classifier=pair[1]) for pair in frequent)


def _probability(probabilities: Array, frame: int) -> float:
    return float(np.nan_to_num(probabilities[frame]))
