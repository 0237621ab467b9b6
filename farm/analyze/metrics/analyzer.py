"""The seam between what is measured and the models that measure. torch loads when an analyzer opens."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from farm.records import AnalysisSpec, ClassifierSpec, ClipSpec, Column, LabelGroup, Pixels, Stretch, Values
from farm.store import JobFolder, decode_frame

Read = Callable[[str], Pixels]
"""Returns the pixels of a frame by its file name."""


class Analyzer(Protocol):
    """Holds whatever is loaded. The same frame between the same neighbours gives the same bits, always."""

    def measure(self, stretch: Stretch, read: Read) -> tuple[Values, ...]:
        """Return what is measured in each frame of a stretch, by the columns of `columns_of`, in their order."""


def open_analyzer(spec: AnalysisSpec) -> Analyzer:
    """Load what `spec` names, unless a call before has left it loaded: models are kept, whatever is asked of them.

    It computes on the CPU, in float32, with one thread. Analyzers may be opened and used in several threads.

    Raises:
        ModelError: when a checkpoint cannot be found or loaded.
    """
    os.environ.setdefault(
        "TRANSFORMERS_VERBOSITY", "error"
    )  # read when it loads; its hints are not the user's
    from farm.analyze.metrics.models import ModelAnalyzer

    return ModelAnalyzer(spec)


def measure(spec: AnalysisSpec, folder: str, stretch: Stretch) -> tuple[Values, ...]:
    """Return what is measured in frames of the job in `folder`, a path or URL; models are kept for the next call.

    Raises:
        ModelError: when a checkpoint cannot be found or loaded.
        StorageError: when a frame cannot be read.
    """
    job = JobFolder(folder)
    return open_analyzer(spec).measure(stretch, lambda name: decode_frame(job.read(name), job.path(name)))


MOST_PROMPTS = 16
"""Beyond so many, prompts have no columns of their own; `clip_score` is measured for any number."""

LABELS = "clip "
"""What the chart of a label group is called, before the group's name."""

CHANGES = ("rgb_change", "clip_change", "perceptual_change")
"""What is measured from the frame before."""

_FEWEST_LABELS = 2
_SMOOTHNESS = "change from frame to frame"
_CLASSIFIER = "classifier"
_CLASS = "classifier_label_"
_OF_CLASSES = {_CLASS: "text", "classifier_probability_": "float"}
_KINDS = {"clip_class": "text", "blank": "bool", "flicker": "float", **dict.fromkeys(CHANGES, "float")}


def columns_of(spec: AnalysisSpec) -> tuple[Column, ...]:
    """Return every column that an analysis measures, in the table's order."""
    return tuple(_columns(spec))


def are_measurable(columns: Sequence[Column]) -> bool:
    """Tell whether columns that were read from a file are such as an analysis measures, so that they can be judged."""
    names = Counter(column.name for column in columns)
    probable = (column.group for column in columns if column.unit == "probability")
    labels = Counter(group for group in probable if group.startswith(LABELS))
    ranks = sum(name.startswith(_CLASS) for name in names)
    classes = {f"{part}{rank}": kind for rank in range(1, ranks + 1) for part, kind in _OF_CLASSES.items()}
    return (
        max(names.values(), default=1) == 1
        and min(labels.values(), default=_FEWEST_LABELS) >= _FEWEST_LABELS
        and names.keys() >= classes.keys()
        and all(column.kind == (_KINDS | classes).get(column.name, _kind_of(column)) for column in columns)
        and all(column.kind == "float" or not column.group for column in columns)
        and all(
            (column.group == _CLASSIFIER) == (column.name in classes) for column in columns if column.group
        )
    )


def _kind_of(column: Column) -> str:
    """Return the kind of a column that is named after a prompt or a label; empty for no such column."""
    return "float" if column.name.startswith("clip_") else ""


def similarity(number: int) -> str:
    """Return the column of the similarity to the job's prompt of this number, counted from 1."""
    return f"clip_similarity_{number}"


def _columns(spec: AnalysisSpec) -> Iterator[Column]:
    if spec.clip is not None:
        yield from _of_prompts(spec.clip)
        for group in spec.clip.groups:
            yield from _of_labels(group)
    if spec.classifier is not None:
        yield from _of_classifier(spec.classifier)
    if spec.clip is not None and spec.classifier is not None:
        said = "the classifier's class that CLIP finds likeliest"
        yield Column(name="clip_class", kind="text", description=said)
    if spec.smoothness:
        yield from _of_smoothness(with_clip=spec.clip is not None)


def _of_prompts(clip: ClipSpec) -> Iterator[Column]:
    chart, unit = "clip similarity", "cosine"
    said = "CLIP's similarity of the frame to the prompts it is to show, averaged by their weights; -1 to 1"
    yield Column(
        name="clip_score", kind="float", unit=unit, group=chart, label="prompts shown", description=said
    )
    if len(clip.prompts) <= MOST_PROMPTS:
        for number, prompt in enumerate(clip.prompts, start=1):
            said = f"CLIP's similarity of the frame to the prompt {prompt!r}; -1 to 1"
            yield Column(
                name=similarity(number), kind="float", unit=unit, group=chart, label=prompt, description=said
            )


def _of_labels(group: LabelGroup) -> Iterator[Column]:
    for column, label, text in zip(group.columns, group.labels, group.texts, strict=True):
        yield Column(
            name=column,
            kind="float",
            unit="probability",
            group=f"{LABELS}{group.name}",
            label=label,
            description=f"how probable {text!r} is to CLIP among the labels of {group.name!r}",
        )


def _of_classifier(classifier: ClassifierSpec) -> Iterator[Column]:
    for rank in range(1, classifier.top_k + 1):
        which = "likeliest class" if rank == 1 else f"class of rank {rank}"
        yield Column(name=f"classifier_label_{rank}", kind="text", description=f"the classifier's {which}")
        yield Column(
            name=f"classifier_probability_{rank}",
            kind="float",
            unit="probability",
            group=_CLASSIFIER,
            label=which,
            description=f"how probable the classifier's {which} is",
        )


def _of_smoothness(*, with_clip: bool) -> Iterator[Column]:
    def change(name: str, label: str, unit: str, said: str) -> Column:
        return Column(name=name, kind="float", unit=unit, group=_SMOOTHNESS, label=label, description=said)

    said = "root mean square difference from the frame before, of colour values from 0 to 1"
    yield change("rgb_change", "RGB", "of the range", said)
    if with_clip:
        yield change(
            "clip_change", "CLIP", "1 - cosine", "distance in CLIP's space from the frame before; 0 to 2"
        )
    yield change("perceptual_change", "perceptual", "(1 - SSIM) / 2", "what an eye sees change; 0 to 1")
    said = "root mean square difference from the mean of both neighbours: what goes back and forth"
    yield change("flicker", "flicker", "of the range", said)
    yield Column(name="blank", kind="bool", description="whether the frame is of one colour")
