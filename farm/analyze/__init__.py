"""What finished frames show: metrics of single frames, and insights into the job as a whole.

columns_of(spec) -> tuple[Column, ...]                  what is measured, by column
are_measurable(columns) -> bool                         whether columns read from a file are among those
open_analyzer(spec) -> Analyzer                         loads models, and torch
measure(spec, folder, stretch) -> tuple[Values, ...]    the same for frames in a job's folder
insights_of(columns, curves) -> Insights                what all frames together show
times_the_median(times) -> str                          a factor in words
image_difference(one, other) -> ImageDifference | None  how much two pictures differ
sharpness(pixels) -> float                              how sharp a picture is
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
