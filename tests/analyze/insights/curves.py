"""Synthetic curves of known shape, and the insights from them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from farm.analyze import Insights, columns_of, insights_of
from farm.records import AnalysisSpec, ClipSpec, ModelSource, Value
from tests.analyze.conftest import group

Array = npt.NDArray[np.float64]
_NOWHERE = ModelSource(pretrained="", kind="folder", location="", revision="", fingerprint="")


def ramp(frames: int, first: int, last: int) -> Array:
    """Return 0 up to frame `first`, 1 from frame `last` on, and a straight line between them."""
    return np.clip((np.arange(frames) - first) / (last - first), 0, 1)


def step(frames: int, at: int) -> Array:
    """Return 0 before a frame, and 1 from it on."""
    return (np.arange(frames) >= at).astype(np.float64)


def values(array: Sequence[float] | Array) -> list[Value]:
    return [None if np.isnan(value) else float(value) for value in array]


def found_in(groups: dict[str, dict[str, Array]], **more: Sequence[Value]) -> Insights:
    """Return the insights from label groups, each a map of label to its curve, and from any other columns."""
    label_groups = {name: group(name, list(labels)) for name, labels in groups.items()}
    clip = ClipSpec(source=_NOWHERE, groups=tuple(label_groups.values()), prompts=())
    curves: dict[str, Sequence[Value]] = {
        column: values(curve)
        for name, labels in groups.items()
        for column, curve in zip(label_groups[name].columns, labels.values(), strict=True)
    }
    return insights_of(
        columns_of(AnalysisSpec(clip=clip, classifier=None, smoothness=True)), {**curves, **more}
    )


def two(curve: Array) -> dict[str, Array]:
    """Return the curves of two labels, given the second one's."""
    return {"star": 1 - curve, "heart": curve}


def texts(found: Insights) -> list[str]:
    return [sentence.text for sentence in found.sentences]
