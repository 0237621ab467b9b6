from __future__ import annotations

from dataclasses import replace

from farm.analyze import columns_of
from farm.analyze.columns import MOST_PROMPTS
from farm.records import AnalysisSpec, ClassifierSpec, ClipSpec
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
    prompts = tuple(map(str, range(MOST_PROMPTS + 1)))
    few = replace(NOTHING, clip=replace(clip, groups=(), prompts=prompts[:-1]))
    many = replace(NOTHING, clip=replace(clip, groups=(), prompts=prompts))
    assert len(_names(few)) == 1 + MOST_PROMPTS
    assert _names(many) == ["clip_score"]


def test_the_labels_of_a_group_share_a_chart_and_say_what_was_asked(clip: ClipSpec) -> None:
    columns = columns_of(replace(NOTHING, clip=replace(clip, groups=(group("object", ["cat", "dog"]),))))
    labelled = [column for column in columns if column.group == "clip object"]
    assert [column.label for column in labelled] == ["cat", "dog"]
    assert labelled[0].description == "how probable 'a cat' is to CLIP among the labels of 'object'"


def test_every_column_is_described_and_named_once(whole: AnalysisSpec) -> None:
    columns = columns_of(whole)
    assert all(column.description for column in columns)
    assert len({column.name for column in columns}) == len(columns)
