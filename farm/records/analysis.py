"""What is measured in finished frames, and the columns that hold it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from farm.records.model import ModelSource

Value = float | int | str | bool | None
"""What a column holds for one frame; None where it cannot be measured, such as a change before the first frame."""

Values = Mapping[str, Value]
"""What was measured in one frame, by column."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelGroup:
    """Labels that exclude each other, and the text that each is asked with: `cat`, `a photo of a cat`."""

    name: str
    labels: tuple[str, ...]
    texts: tuple[str, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of its labels' probabilities, in their order: `clip_object_cat`."""
        return tuple(f"clip_{slug(self.name)}_{slug(label)}" for label in self.labels)


def slug(text: str) -> str:
    """Return a text as part of a column's name: letters and digits in lower case, `_` for all between them."""
    return re.sub(r"[\W_]+", "_", unicodedata.normalize("NFKC", text).casefold()).strip("_")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipSpec:
    """A `CLIPModel`; `prompts` are the job's own, each once, in their order.

    `class_template` says, with a class's name for `{label}`, what it is asked of the classifier's classes.
    """

    source: ModelSource
    groups: tuple[LabelGroup, ...]
    prompts: tuple[str, ...]
    class_template: str = "a photo of {label}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassifierSpec:
    """An image classifier of transformers, of which the `top_k` likeliest classes are kept."""

    source: ModelSource
    top_k: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalysisSpec:
    """What is measured in a job's frames; None or False for what is not."""

    clip: ClipSpec | None
    classifier: ClassifierSpec | None
    smoothness: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of measured values. `group` names the columns that are drawn in one chart, `label` this one in it."""

    name: str
    kind: Literal["float", "int", "text", "bool"]
    description: str
    unit: str = ""
    group: str = ""
    label: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A finished frame, and the prompts that it is to show by their weights."""

    frame: int
    file_name: str
    content_sha256: str
    prompts: tuple[str, ...]
    weights: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Finished frames that are measured at a time, in order, and the ones just before and after; None if not there."""

    frames: tuple[Shown, ...]
    before: Shown | None
    after: Shown | None
