"""Specs with the shipped scoring models, and drawn pictures for frame sequences."""

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
    FrameSequence,
    LabelGroup,
    ModelSource,
    Pixels,
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
def full_spec(clip: ClipSpec, classifier: ClassifierSpec) -> AnalysisSpec:
    return AnalysisSpec(clip=clip, classifier=classifier, smoothness=True)


@pytest.fixture(scope="session")
def pictures() -> list[Pixels]:
    return [np.asarray(draw(scene_at("held-out", 1, index), index, 64)) for index in range(12)]


def frame_sequence(
    frames: Sequence[int], *, of: int, weights: tuple[float, ...] = (0.25, 0.75)
) -> FrameSequence:
    """Return consecutive frames of a job of `of` frames; their file names are their numbers."""

    def analyzed_frame(frame: int) -> AnalyzedFrame | None:
        if not 0 <= frame < of:
            return None
        return AnalyzedFrame(
            frame=frame, file_name=str(frame), content_sha256="", prompts=PROMPTS, weights=weights
        )

    return FrameSequence(
        frames=tuple(one for one in map(analyzed_frame, frames) if one is not None),
        before=analyzed_frame(frames[0] - 1),
        after=analyzed_frame(frames[-1] + 1),
    )
