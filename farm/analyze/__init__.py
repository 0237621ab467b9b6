"""Metrics of finished frames, and insights into the job from all of them.

columns_of(spec) -> tuple[Column, ...]                  the measured columns
are_measurable(columns) -> bool                         whether columns read from a file can be measured ones
open_analyzer(spec) -> Analyzer                         loads models, and torch
measure(spec, folder, sequence) -> tuple[Values, ...]   measures frames in a job's folder
insights_of(columns, curves) -> Insights                insights from all frames
times_the_median(times) -> str                          a factor in words
image_difference(one, other) -> ImageDifference | None  the difference of two pictures
sharpness(pixels) -> float                              the sharpness of a picture
"""

from typing import TYPE_CHECKING

from farm.lazy_imports import import_lazily

if TYPE_CHECKING:
    from farm.analyze.insights.agreement import Agreement, Disagreement
    from farm.analyze.insights.insights import Insights, insights_of
    from farm.analyze.insights.outliers import Jump, times_the_median
    from farm.analyze.insights.transitions import GroupTimeline, Transition
    from farm.analyze.metrics.analyzer import Analyzer, ReadFrame, measure, open_analyzer
    from farm.analyze.metrics.columns import are_measurable, columns_of
    from farm.analyze.metrics.image import ImageDifference, image_difference, sharpness

import_lazily(__name__)

__all__ = [
    "Agreement",
    "Analyzer",
    "Disagreement",
    "GroupTimeline",
    "ImageDifference",
    "Insights",
    "Jump",
    "ReadFrame",
    "Transition",
    "are_measurable",
    "columns_of",
    "image_difference",
    "insights_of",
    "measure",
    "open_analyzer",
    "sharpness",
    "times_the_median",
]
