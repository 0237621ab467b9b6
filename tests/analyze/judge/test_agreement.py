from __future__ import annotations

from farm.analyze import Agreement, Disagreement
from farm.records import Value
from tests.analyze.judge.curves import texts, told

CLIP: list[Value] = ["star", "star", "star", "heart", "heart", None, "moon"]
RESNET: list[Value] = ["star", "heart", "heart", "heart", "moon", "moon", "moon"]
SURE: list[Value] = [0.9, 0.5, 0.8, 0.9, 0.6, 0.9, 0.9]


def test_the_table_counts_what_each_says() -> None:
    found = told({}, clip_class=CLIP, classifier_label_1=RESNET, classifier_probability_1=SURE)
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


def test_a_single_disagreement_is_told_by_its_frame() -> None:
    found = told({}, clip_class=["star", "star"], classifier_label_1=["star", "fish"])
    assert texts(found)[1] == "Where they differ, CLIP sees star and the classifier fish, in frame 1."


def test_judges_that_never_differ_agree_in_all_frames() -> None:
    found = told({}, clip_class=["star", "fish"], classifier_label_1=["star", "fish"])
    assert texts(found) == ["CLIP and the classifier agree in all 2 frames."]
    assert found.agreement is not None
    assert (found.agreement.rate, found.agreement.examples) == (1, ())


def test_without_frames_that_both_judged_there_is_no_agreement() -> None:
    assert told({}, clip_class=["star", None], classifier_label_1=[None, "star"]).agreement is None
    assert told({}, clip_class=["star"]).agreement is None
