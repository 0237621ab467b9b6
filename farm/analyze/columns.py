"""The columns that an analysis adds to a job's table."""

from __future__ import annotations

from collections.abc import Iterator

from farm.records import AnalysisSpec, ClassifierSpec, ClipSpec, Column, LabelGroup

MOST_PROMPTS = 16
"""Beyond so many, prompts have no columns of their own; `clip_score` is measured for any number."""

LABELS = "clip "
"""What the chart of a label group is called, before the group's name."""

CHANGES = ("rgb_change", "clip_change", "perceptual_change")
"""What is measured from the frame before."""

_SMOOTHNESS = "change from frame to frame"


def columns_of(spec: AnalysisSpec) -> tuple[Column, ...]:
    """Return every column that an analysis measures, in the table's order."""
    return tuple(_columns(spec))


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
            group="classifier",
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
