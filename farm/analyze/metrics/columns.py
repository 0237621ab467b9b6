"""The columns that an analysis adds to a job's table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from farm.records import AnalysisSpec, ClassifierSpec, ClipSpec, Column, LabelGroup

MAX_PROMPTS = 16
"""With more prompts than this there are no columns per prompt; `clip_score` is measured for any number."""

LABELS = "clip "
"""Prefix of the chart of a label group, before the group's name."""

CHANGES = ("rgb_change", "clip_change", "perceptual_change")
"""The measures of change from the frame before."""

_MIN_LABELS = 2
_SMOOTHNESS = "change from frame to frame"
_CLASSIFIER = "classifier"
_CLASS = "classifier_label_"
_OF_CLASSES = {_CLASS: "text", "classifier_probability_": "float"}
_KINDS = {"clip_class": "text", "blank": "bool", "flicker": "float", **dict.fromkeys(CHANGES, "float")}


def columns_of(spec: AnalysisSpec) -> tuple[Column, ...]:
    """Return every column that an analysis measures, in the table's order."""
    return tuple(_columns(spec))


def are_measurable(columns: Sequence[Column]) -> bool:
    """Return whether an analysis can have measured columns read from a file, so that insights can use them."""
    names = Counter(column.name for column in columns)
    probable = (column.group for column in columns if column.unit == "probability")
    labels = Counter(group for group in probable if group.startswith(LABELS))
    ranks = sum(name.startswith(_CLASS) for name in names)
    classes = {f"{part}{rank}": kind for rank in range(1, ranks + 1) for part, kind in _OF_CLASSES.items()}
    return (
        max(names.values(), default=1) == 1
        and min(labels.values(), default=_MIN_LABELS) >= _MIN_LABELS
        and names.keys() >= classes.keys()
        and all(column.kind == (_KINDS | classes).get(column.name, _kind_of(column)) for column in columns)
        and all(column.kind == "float" or not column.group for column in columns)
        and all(
            (column.group == _CLASSIFIER) == (column.name in classes) for column in columns if column.group
        )
    )


def _kind_of(column: Column) -> str:
    """Return the kind of a column named after a prompt or a label; empty for any other column."""
    return "float" if column.name.startswith("clip_") else ""


def similarity(number: int) -> str:
    """Return the name of the column of the similarity to a prompt of the job, numbered from 1."""
    return f"clip_similarity_{number}"


def _columns(spec: AnalysisSpec) -> Iterator[Column]:
    if spec.clip is not None:
        yield from _of_prompts(spec.clip)
        for group in spec.clip.groups:
            yield from _of_labels(group)
    if spec.classifier is not None:
        yield from _of_classifier(spec.classifier)
    if spec.clip is not None and spec.classifier is not None:
        yield Column(
            name="clip_class",
            kind="text",
            description="the classifier's class that CLIP finds likeliest",
        )
    if spec.smoothness:
        yield from _of_smoothness(with_clip=spec.clip is not None)


def _of_prompts(clip: ClipSpec) -> Iterator[Column]:
    chart, unit = "clip similarity", "cosine"
    description = "CLIP's similarity of the frame to its prompts, averaged by their weights; -1 to 1"
    yield Column(
        name="clip_score",
        kind="float",
        unit=unit,
        group=chart,
        label="prompts shown",
        description=description,
    )
    if len(clip.prompts) <= MAX_PROMPTS:
        for number, prompt in enumerate(clip.prompts, start=1):
            description = f"CLIP's similarity of the frame to the prompt {prompt!r}; -1 to 1"
            yield Column(
                name=similarity(number),
                kind="float",
                unit=unit,
                group=chart,
                label=prompt,
                description=description,
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
    def change(name: str, label: str, unit: str, description: str) -> Column:
        return Column(
            name=name, kind="float", unit=unit, group=_SMOOTHNESS, label=label, description=description
        )

    description = "root mean square difference from the frame before, of colour values from 0 to 1"
    yield change("rgb_change", "RGB", "of the range", description)
    if with_clip:
        yield change(
            "clip_change", "CLIP", "1 - cosine", "distance in CLIP's space from the frame before; 0 to 2"
        )
    yield change(
        "perceptual_change",
        "perceptual",
        "(1 - SSIM) / 2",
        "perceived change from the frame before; 0 to 1",
    )
    description = "root mean square difference from the mean of both neighbours"
    yield change("flicker", "flicker", "of the range", description)
    yield Column(name="blank", kind="bool", description="whether the frame is of one colour")
