from __future__ import annotations

import pytest

from farm.analyze import Agreement, Disagreement
from farm.records import Value
from tests.analyze.insights.curves import found_in, texts

CLIP: list[Value] = ["star", "star", "star", "heart", "heart", None, "moon"]
RESNET: list[Value] = ["star", "heart", "heart", "heart", "moon", "moon", "moon"]
PROBABILITIES: list[Value] = [0.9, 0.5, 0.8, 0.9, 0.6, 0.9, 0.9]


def test_the_matrix_counts_what_each_model_names() -> None:
    found = found_in({}, clip_class=CLIP, classifier_label_1=RESNET, classifier_probability_1=PROBABILITIES)
    assert found.agreement == Agreement(
        frames=6,
        agreeing=3,
        rate=0.5,
        labels=("heart", "star", "moon"),
        counts=((1, 0, 1), (2, 1, 0), (0, 0, 1)),
        examples=(
            Disagreement(frame=2, clip="star", classifier="heart"),
            Disagreement(frame=4, clip="heart", classifier="moon"),
        ),
    )
    assert texts(found) == [
        "CLIP and the classifier agree in 3 of 6 frames.",
        "Where they differ, most often CLIP sees star and the classifier heart, in 2 frames, such as frame 2.",
    ]
    assert found.sentences[1].frames == (2,)


def test_without_a_most_frequent_disagreement_an_example_is_given() -> None:
    found = found_in({}, clip_class=["star", "star", "moon"], classifier_label_1=["star", "heart", "fish"])
    assert texts(found) == [
        "CLIP and the classifier agree in 1 of 3 frames.",
        "In frame 1, for example, CLIP sees star and the classifier heart.",
    ]
    tied = found_in({}, clip_class=["a", "a", "b", "b", "c"], classifier_label_1=["x", "x", "y", "y", "z"])
    assert texts(tied)[1] == "In frame 0, for example, CLIP sees a and the classifier x."


def test_disagreements_of_one_kind_are_not_called_the_most_frequent() -> None:
    found = found_in({}, clip_class=["star"] * 3, classifier_label_1=["fish", "fish", "star"])
    assert texts(found)[1] == (
        "Where they differ, CLIP sees star and the classifier fish, in 2 frames, such as frame 0."
    )


def test_models_that_always_differ_agree_in_none() -> None:
    found = found_in({}, clip_class=["star"] * 2, classifier_label_1=["fish"] * 2)
    assert texts(found)[0] == "CLIP and the classifier agree in none of 2 frames."


@pytest.mark.parametrize("classifier", ["star", "fish"])
def test_a_single_frame_has_no_sentence_on_agreement(classifier: str) -> None:
    found = found_in({}, clip_class=["star"], classifier_label_1=[classifier])
    assert found.agreement is not None
    assert texts(found) == []


def test_a_single_disagreement_is_named_by_its_frame() -> None:
    found = found_in({}, clip_class=["star", "star"], classifier_label_1=["star", "fish"])
    assert texts(found)[1] == "Where they differ, CLIP sees star and the classifier fish, in frame 1."


def test_models_that_never_differ_agree_in_all_frames() -> None:
    found = found_in({}, clip_class=["star", "fish"], classifier_label_1=["star", "fish"])
    assert texts(found) == ["CLIP and the classifier agree in all 2 frames."]
    assert found.agreement is not None
    assert (found.agreement.rate, found.agreement.examples) == (1, ())


def test_without_frames_that_both_scored_there_is_no_agreement() -> None:
    assert found_in({}, clip_class=["star", None], classifier_label_1=[None, "star"]).agreement is None
    assert found_in({}, clip_class=["star"]).agreement is None
