from __future__ import annotations

import pytest

from farm.analyze import Jump, times_the_median
from farm.records import Value
from tests.analyze.insights.curves import found_in, texts

STEADY: list[Value] = [None, 0.1, 0.1, 0.5, 0.1, 0.1]


def test_the_largest_jump_is_found_by_every_measure() -> None:
    found = found_in({}, rgb_change=STEADY, clip_change=[None, 0.3, 0.2, None, 0.1, 0.1])
    assert [(jump.column, jump.frame, jump.value) for jump in found.jumps] == [
        ("rgb_change", 3, 0.5),
        ("clip_change", 1, 0.3),
    ]
    assert found.jumps[0].times == pytest.approx(5)


def test_the_perceptual_measure_is_preferred() -> None:
    found = found_in({}, rgb_change=STEADY, perceptual_change=[None, 0.2, 0.02, 0.02, 0.02, 0.02])
    assert (
        texts(found)[0]
        == "The largest jump is from frame 0 to 1: perceptual change 0.200, 10 times the median."
    )
    assert found.sentences[0].frames == (0, 1)
    assert texts(found_in({}, rgb_change=STEADY))[0] == (
        "The largest jump is from frame 2 to 3: RGB change 0.500, 5.0 times the median."
    )


def test_a_jump_in_a_still_animation_has_no_multiple_of_the_median() -> None:
    found = found_in({}, perceptual_change=[None, 0, 0, 0.25, 0])
    assert found.jumps == (
        Jump(column="perceptual_change", label="perceptual", frame=3, value=0.25, times=None, measured=4),
    )
    assert texts(found) == ["The largest jump is from frame 2 to 3: perceptual change 0.250."]


@pytest.mark.parametrize(
    ("times", "text"),
    [
        (2, "2.0"),
        (9.94, "9.9"),
        (9.96, "10"),
        (99.6, "100"),
        (100, "100"),
        (100.1, "over 100"),
        (7678.4, "over 100"),
    ],
)
def test_factors_are_rounded_to_meaningful_digits(times: float, text: str) -> None:
    assert times_the_median(times) == f"{text} times the median"


def test_an_evenly_paced_animation_has_no_sentence_on_jumps() -> None:
    even = found_in({}, perceptual_change=[None, 0.10, 0.16, 0.09, 0.10, 0.19])
    assert even.jumps[0].times == pytest.approx(1.9)
    assert texts(even) == []


@pytest.mark.parametrize("changes", [[0.1], [0.0, 0.1], [0.01, 0.5]])
def test_fewer_than_three_changes_have_no_sentence_on_jumps(changes: list[Value]) -> None:
    assert texts(found_in({}, perceptual_change=[None, *changes])) == []


def test_equal_frames_have_no_jump() -> None:
    assert texts(found_in({}, perceptual_change=[None, 0.0, 0.0])) == [
        "No frame differs from the one before."
    ]


def test_a_single_frame_has_no_jump() -> None:
    assert found_in({}, perceptual_change=[None]).jumps == ()
