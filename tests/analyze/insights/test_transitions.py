from __future__ import annotations

import numpy as np
import pytest

from farm.analyze import Transition
from tests.analyze.insights.curves import Array, found_in, ramp, step, texts, two


def _only(curve: Array) -> Transition:
    (timeline,) = found_in({"shape": two(curve)}).stories
    (transition,) = timeline.transitions
    return transition


def test_a_straight_change_crosses_in_its_middle_and_is_four_fifths_as_wide() -> None:
    found = _only(ramp(101, 20, 61))
    assert (found.before, found.after) == ("star", "heart")
    assert found.frame == 41  # 40.5 is halfway
    assert (found.first, found.last) == (24, 57)  # 0.1 * 41 = 4.1, 0.9 * 41 = 36.9
    assert found.width == 33
    assert found.pace == "gradual"


def test_a_cut_is_one_step_wide() -> None:
    found = _only(step(150, 52))
    assert (found.frame, found.first, found.last, found.width) == (52, 51, 52, 1)
    assert found.pace == "sudden"


def test_a_sigmoid_has_the_width_of_its_formula() -> None:
    """10 and 90% of 1 / (1 + exp(-t)) are at -ln 9 and ln 9."""
    scale, middle = 4, 75.2
    curve = 1 / (1 + np.exp(-(np.arange(150) - middle) / scale))
    found = _only(curve)
    assert found.frame == 76
    assert (found.first, found.last) == (66, 84)  # 75.2 -+ 4 * 2.197


@pytest.mark.parametrize(
    ("between", "width", "pace"),
    [([], 1, "sudden"), ([0.2, 0.8], 3, "sudden"), ([0.2, 0.4, 0.8], 4, "gradual")],
)
def test_a_change_of_up_to_three_steps_is_sudden(between: list[float], width: int, pace: str) -> None:
    found = _only(np.array([*[0.0] * 30, *between, *[1.0] * 30]))
    assert (found.width, found.pace) == (width, pace)


def test_a_change_between_other_levels_than_0_and_1_counts_in_full() -> None:
    found = _only(0.3 + 0.4 * ramp(100, 40, 60))
    assert (found.first, found.frame, found.last) == (42, 51, 58)


def test_a_plateau_halfway_belongs_to_the_change() -> None:
    curve = (step(100, 30) + step(100, 61)) / 2
    found = _only(curve)
    assert (found.first, found.last, found.pace) == (29, 61, "gradual")
    assert 30 <= found.frame <= 61


def test_noise_that_crosses_back_and_forth_is_one_transition() -> None:
    for seed in range(20):
        noise = np.random.default_rng(seed).normal(0, 0.08, 150)
        found = _only(np.clip(ramp(150, 50, 100) + noise, 0, 1))
        assert abs(found.frame - 75) <= 6, seed
        assert found.pace == "gradual"


def test_a_flash_of_another_label_is_not_a_transition() -> None:
    curve = step(150, 90)
    curve[40:44] = 1
    found = _only(curve)
    assert found.frame == 90


def test_a_short_job_that_wavers_during_a_change_has_one_transition() -> None:
    """As observed: 24 frames, with one of the other label on either side of the change."""
    curve = step(24, 13)
    curve[10] = 1
    assert texts(found_in({"shape": two(curve)})) == ["Shape: star becomes heart at frame 13, suddenly."]


@pytest.mark.parametrize("frames", [12, 24, 36, 60, 90, 150])
@pytest.mark.parametrize("seed", range(5))
def test_noise_around_a_change_is_not_a_transition(frames: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    curve = 1 / (1 + np.exp(-(np.arange(frames) - frames / 2)))
    at = frames // 2 + random.integers(-2, 3)
    curve[at] = 1 - curve[at]
    found = found_in({"shape": two(curve)})
    assert found.stories[0].labels == ("star", "heart")


def test_three_frames_of_another_label_in_a_short_job_are_a_segment() -> None:
    curve = step(24, 10) - step(24, 13)
    assert found_in({"shape": two(curve)}).stories[0].labels == ("star", "heart", "star")


def test_a_label_with_a_narrow_lead_has_no_segment() -> None:
    star = np.concatenate([np.full(50, 0.9), np.full(50, 0.45), np.full(50, 0.9)])
    assert texts(found_in({"shape": {"star": star, "heart": 1 - star}})) == ["The shape stays star."]


def test_a_label_that_appears_and_disappears_has_two_transitions() -> None:
    found = found_in({"shape": two(step(150, 50) - step(150, 100))})
    assert found.stories[0].labels == ("star", "heart", "star")
    assert [one.frame for one in found.stories[0].transitions] == [50, 100]


def test_three_labels_in_turn_have_two_transitions() -> None:
    first, second = ramp(150, 40, 60), step(150, 110)
    found = found_in({"shape": {"star": 1 - first, "heart": first - second, "moon": second}})
    assert found.stories[0].labels == ("star", "heart", "moon")
    assert texts(found) == [
        "Shape: star becomes heart at frame 51, gradually over frames 42 to 58.",
        "Shape: heart becomes moon at frame 110, suddenly.",
    ]


def test_in_a_short_animation_a_lead_of_one_frame_counts() -> None:
    found = found_in(
        {"shape": {"star": step(3, 0) - step(3, 1), "heart": step(3, 1) - step(3, 2), "moon": step(3, 2)}}
    )
    assert found.stories[0].labels == ("star", "heart", "moon")


def test_unmeasured_frames_are_ignored() -> None:
    curve = ramp(101, 20, 61)
    unmeasured = curve.copy()
    unmeasured[[0, 30, 45, 100]] = np.nan
    assert _only(unmeasured) == _only(curve)


def test_a_frame_with_an_unmeasured_label_is_ignored() -> None:
    labels = two(step(100, 50))
    labels["heart"][50:53] = np.nan
    (timeline,) = found_in({"shape": labels}).stories
    assert (timeline.frames, timeline.transitions[0].frame) == (97, 53)


def test_a_single_spike_far_from_the_change_does_not_set_its_level() -> None:
    curve = 0.2 + 0.6 * step(100, 50)
    curve[[10, 90]] = (0, 1)
    found = _only(curve)
    assert (found.first, found.last) == (49, 50)


def test_unmeasured_frames_at_the_crossing_are_bridged() -> None:
    curve = step(100, 50)
    curve[45:55] = np.nan
    found = _only(curve)
    assert (found.first, found.frame, found.last) == (44, 55, 55)


@pytest.mark.parametrize("seed", range(5))
def test_noise_does_not_change_a_constant_group(seed: int) -> None:
    noise = np.random.default_rng(seed).uniform(-0.2, 0.2, 150)
    found = found_in({"background": {"at the beach": 0.7 + noise, "in the sea": 0.3 - noise}})
    assert texts(found) == ["The background stays at the beach."]
    assert found.order == ()


def test_a_group_without_a_leading_label_is_never_clear() -> None:
    found = found_in({"shape": two(np.full(50, 0.55))})
    assert found.stories[0].labels == ()
    assert texts(found) == ["None of the labels of shape ever leads clearly."]
    alone = found_in({"shape": two(np.full(1, 0.55))})
    assert texts(alone) == ["None of the labels of shape leads clearly."]


def test_a_single_frame_has_a_label_and_no_transitions() -> None:
    found = found_in({"shape": two(np.zeros(1))})
    assert found.stories[0].transitions == ()
    assert texts(found) == ["The shape is star."]


@pytest.mark.parametrize("frames", [0, 5])
def test_an_unmeasured_group_has_no_sentence(frames: int) -> None:
    found = found_in({"shape": two(np.full(frames, np.nan))})
    assert (found.stories, found.sentences) == ((), ())


def test_the_group_that_changes_first_is_named_first() -> None:
    found = found_in(
        {
            "shape": two(step(150, 55)),
            "colour": {"red": 1 - ramp(150, 17, 44), "blue": ramp(150, 17, 44)},
            "background": {"at the beach": np.ones(150), "in the sea": np.zeros(150)},
        }
    )
    assert found.order == (("colour",), ("shape",))
    assert texts(found) == [
        "Colour changes first (frames 19 to 42), then shape (frame 55).",
        "Shape: star becomes heart at frame 55, suddenly.",
        "Colour: red becomes blue at frame 31, gradually over frames 19 to 42.",
        "The background stays at the beach.",
    ]
    assert found.sentences[0].frames == (19, 42, 55)
    assert found.sentences[0].places == (29, 35, 58)
    assert found.sentences[2].frames == (31, 19, 42)
    assert found.sentences[2].places == (34, 60, 66)


def test_groups_that_change_within_three_frames_change_together() -> None:
    found = found_in(
        {
            "shape": two(step(150, 55)),
            "colour": two(step(150, 52)),
            "style": two(step(150, 56)),
            "background": two(step(150, 100)),
        }
    )
    assert found.order == (("colour", "shape"), ("style",), ("background",))
    assert texts(found)[0] == (
        "Colour and shape change together (frames 52 to 55), then style (frame 56), then background (frame 100)."
    )
    assert found_in({"shape": two(step(9, 5)), "colour": two(step(9, 5))}).sentences[0].text == (
        "Shape and colour change together (frame 5)."
    )
