"""Specs with the shipped judges, and drawn pictures that a stretch can be made of."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from farm.inputs.checkpoints.source import find_source
from farm.records import (
    AnalysisSpec,
    AnalyzedFrame,
    ClassifierSpec,
    ClipSpec,
    LabelGroup,
    ModelSource,
    Pixels,
    Stretch,
)
from training.drawing import draw
from training.scenes import COLOURS, SHAPES, scene_at

PROMPTS = ("a red star", "a blue heart")


def group(name: str, labels: Sequence[str]) -> LabelGroup:
    return LabelGroup(name=name, labels=tuple(labels), texts=tuple(f"a {label}" for label in labels))


def source(pretrained: str | Path) -> ModelSource:
    found = find_source(str(pretrained), None, Path(), holds="adapter")
    assert found is not None
    return found


@pytest.fixture(scope="session")
def clip() -> ClipSpec:
    groups = (group("shape", SHAPES), group("colour", tuple(COLOURS)))
    return ClipSpec(
        source=source("tiny-world-clip"), groups=groups, prompts=PROMPTS, class_template="a {label}"
    )


@pytest.fixture(scope="session")
def classifier() -> ClassifierSpec:
    return ClassifierSpec(source=source("tiny-world-resnet"), top_k=3)


@pytest.fixture(scope="session")
def whole(clip: ClipSpec, classifier: ClassifierSpec) -> AnalysisSpec:
    return AnalysisSpec(clip=clip, classifier=classifier, smoothness=True)


@pytest.fixture(scope="session")
def pictures() -> list[Pixels]:
    return [np.asarray(draw(scene_at("held-out", 1, index), index, 64)) for index in range(12)]


def stretch(frames: Sequence[int], *, of: int, weights: tuple[float, ...] = (0.25, 0.75)) -> Stretch:
    """Consecutive frames of a job of `of` frames whose file names are their numbers."""

    def shown(frame: int) -> AnalyzedFrame | None:
        if not 0 <= frame < of:
            return None
        return AnalyzedFrame(
            frame=frame, file_name=str(frame), content_sha256="", prompts=PROMPTS, weights=weights
        )

    return Stretch(
        frames=tuple(one for one in map(shown, frames) if one is not None),
        before=shown(frames[0] - 1),
        after=shown(frames[-1] + 1),
    )
