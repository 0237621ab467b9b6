"""Measurements of finished frames, their columns, and insights in words."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from farm.records.model import ModelSource

Value = float | int | str | bool | None
"""The value of a column for one frame; None if it cannot be measured, such as a change before the first frame."""

Values = Mapping[str, Value]
"""The measured values of one frame, by column."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelGroup:
    """Mutually exclusive labels, each with its text for CLIP: `cat`, `a photo of a cat`."""

    name: str
    labels: tuple[str, ...]
    texts: tuple[str, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of its labels' probabilities, in the order of the labels: `clip_object_cat`."""
        return tuple(f"clip_{slug(self.name)}_{slug(label)}" for label in self.labels)


def slug(text: str) -> str:
    """Return a text as part of a column name: letters and digits in lower case, `_` for any other characters."""
    return re.sub(r"[\W_]+", "_", unicodedata.normalize("NFKC", text).casefold()).strip("_")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipSpec:
    """A `CLIPModel`; `prompts` are the job's distinct prompts, in order.

    `class_template` is the text for a class of the classifier, with the class name for `{label}`.
    """

    source: ModelSource
    groups: tuple[LabelGroup, ...]
    prompts: tuple[str, ...]
    class_template: str = "a photo of {label}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassifierSpec:
    """An image classifier of transformers; its `top_k` most probable classes are recorded."""

    source: ModelSource
    top_k: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalysisSpec:
    """The measurements of a job's frames; None or False for disabled ones."""

    clip: ClipSpec | None
    classifier: ClassifierSpec | None
    smoothness: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of measured values. `group` is its chart, `label` its name in the chart."""

    name: str
    kind: Literal["float", "int", "text", "bool"]
    description: str
    unit: str = ""
    group: str = ""
    label: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalyzedFrame:
    """A finished frame to measure, and its prompts with their weights."""

    frame: int
    file_name: str
    content_sha256: str
    prompts: tuple[str, ...]
    weights: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameSequence:
    """Finished frames measured in one call, in order, and their neighbours `before` and `after`, or None."""

    frames: tuple[AnalyzedFrame, ...]
    before: AnalyzedFrame | None
    after: AnalyzedFrame | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """An insight in words, and the frames that it names, in the order of the text.

    `places[k]` is the offset in `text` of the digits of `frames[k]`. Other numbers in it, such as counts and the
    contents of labels, are not frames.
    """

    text: str
    frames: tuple[int, ...] = ()
    places: tuple[int, ...] = ()
