from __future__ import annotations

import warnings
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from farm.analyze import are_measurable, columns_of, insights_of
from farm.analyze.metrics.columns import MAX_PROMPTS
from farm.records import AnalysisSpec, ClassifierSpec, ClipSpec, Column
from tests.analyze.conftest import group

NOTHING = AnalysisSpec(clip=None, classifier=None, smoothness=False)


def _names(spec: AnalysisSpec) -> list[str]:
    return [column.name for column in columns_of(spec)]


def test_an_analysis_of_nothing_has_no_columns() -> None:
    assert columns_of(NOTHING) == ()


def test_smoothness_alone_needs_no_model() -> None:
    assert _names(replace(NOTHING, smoothness=True)) == [
        "rgb_change",
        "perceptual_change",
        "flicker",
        "blank",
    ]


def test_every_part_has_its_columns_in_order(clip: ClipSpec, classifier: ClassifierSpec) -> None:
    clip = replace(clip, groups=(group("object", ["cat", "Great Dane"]),))
    classifier = replace(classifier, top_k=2)
    assert _names(AnalysisSpec(clip=clip, classifier=classifier, smoothness=True)) == [
        *("clip_score", "clip_similarity_1", "clip_similarity_2"),
        *("clip_object_cat", "clip_object_great_dane"),
        *("classifier_label_1", "classifier_probability_1", "classifier_label_2", "classifier_probability_2"),
        "clip_class",
        *("rgb_change", "clip_change", "perceptual_change", "flicker", "blank"),
    ]


def test_many_prompts_have_no_columns_of_their_own(clip: ClipSpec) -> None:
    prompts = tuple(map(str, range(MAX_PROMPTS + 1)))
    few = replace(NOTHING, clip=replace(clip, groups=(), prompts=prompts[:-1]))
    many = replace(NOTHING, clip=replace(clip, groups=(), prompts=prompts))
    assert len(_names(few)) == 1 + MAX_PROMPTS
    assert _names(many) == ["clip_score"]


def test_the_labels_of_a_group_share_a_chart_and_describe_their_text(clip: ClipSpec) -> None:
    columns = columns_of(replace(NOTHING, clip=replace(clip, groups=(group("object", ["cat", "dog"]),))))
    labelled = [column for column in columns if column.group == "clip object"]
    assert [column.label for column in labelled] == ["cat", "dog"]
    assert labelled[0].description == "how probable 'a cat' is to CLIP among the labels of 'object'"


def test_every_column_is_described_and_named_once(full_spec: AnalysisSpec) -> None:
    columns = columns_of(full_spec)
    assert all(column.description for column in columns)
    assert len({column.name for column in columns}) == len(columns)


SIDE = {"unit": "probability", "group": "clip object"}
LABELS = (
    Column(name="clip_object_a", kind="float", description="", label="a", **SIDE),
    Column(name="clip_object_b", kind="float", description="", label="b", **SIDE),
)
CLASSES = columns_of(
    AnalysisSpec(
        clip=None,
        classifier=ClassifierSpec(source=None, top_k=2),  # type: ignore[arg-type]  # its columns need no source
        smoothness=True,
    )
)


@pytest.mark.parametrize("prompts", [1, MAX_PROMPTS, MAX_PROMPTS + 1])
def test_the_columns_of_an_analysis_are_measurable(
    clip: ClipSpec, classifier: ClassifierSpec, prompts: int
) -> None:
    measured = replace(clip, prompts=tuple(map(str, range(prompts))), groups=(group("Größe", ("a", "b")),))
    assert are_measurable(columns_of(AnalysisSpec(clip=measured, classifier=classifier, smoothness=True)))
    assert are_measurable((*LABELS, *CLASSES))
    assert are_measurable(())


@pytest.mark.parametrize(
    "columns",
    [
        (*CLASSES, CLASSES[0]),
        CLASSES[1:],
        CLASSES[:1],
        (replace(CLASSES[0], kind="float"),),
        (*LABELS, replace(CLASSES[-1], kind="text")),
        LABELS[:1],
        (replace(LABELS[0], name="seed"), LABELS[1]),
        (replace(LABELS[0], kind="text"), LABELS[1]),
        (*LABELS, replace(LABELS[0], name="clip_other", group="classifier")),
        (Column(name="clip_class", kind="text", description="", group="clip object"), *LABELS),
    ],
    ids=[
        *(
            "twice",
            "no label",
            "no probability",
            "a label that is a number",
            "blank that is a text",
            "one label",
        ),
        *("another column's name", "a label that is a text", "a class that is none", "a text among curves"),
    ],
)
def test_other_columns_are_not_measurable(columns: tuple[Column, ...]) -> None:
    assert not are_measurable(columns)


KINDS = {
    "float": st.floats(-1e9, 1e9) | st.floats(0, 1) | st.sampled_from([0.0, 0.5, 1.0, 1e-300]),
    "text": st.sampled_from(["a", "b", ""]),
    "bool": st.booleans(),
}


@settings(max_examples=50, deadline=None)
@given(st.data(), st.integers(1, 12))
def test_insights_can_be_found_in_any_measurements(data: st.DataObject, frames: int) -> None:
    columns = (*LABELS, *CLASSES)
    curves = {
        column.name: data.draw(
            st.lists(st.none() | KINDS[column.kind], min_size=frames, max_size=frames), label=column.name
        )
        for column in columns
    }
    with warnings.catch_warnings(action="ignore"):
        assert insights_of(columns, curves).sentences is not None
