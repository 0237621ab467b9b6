from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from farm.analyze.insights.transitions import crossing, minimum_length, segments


def test_the_crossing_is_the_first_position_with_the_second_ahead() -> None:
    after = np.linspace(0, 1, 11)
    assert crossing(1 - after, after) == 6  # 5 is a tie


def test_a_repeated_crossing_is_placed_with_the_fewest_contradictions() -> None:
    after = np.array([0, 0, 0, 1, 0, 0, 1, 0, 0, 1, 1, 1], dtype=float)
    assert crossing(1 - after, after) == 9


@given(st.lists(st.booleans(), min_size=0, max_size=30))
def test_the_crossing_is_as_good_as_the_best_of_all_cuts(between: list[bool]) -> None:
    ahead = np.array([False, *between, True])

    def contradictions(cut: int) -> int:
        return int(ahead[:cut].sum() + (~ahead[cut:]).sum())

    found = crossing(1 - ahead.astype(float), ahead.astype(float))
    assert 1 <= found < len(ahead)
    assert contradictions(found) == min(contradictions(cut) for cut in range(1, len(ahead)))


@given(st.lists(st.integers(0, 2), min_size=1, max_size=200))
def test_neighbouring_segments_differ_and_inner_ones_are_long_enough(best: list[int]) -> None:
    probabilities = np.eye(3)[best]
    found = segments(probabilities)
    assert all(one.label != other.label for one, other in pairwise(found))
    assert found[0].label == best[found[0].first]
    assert all(segment.length >= minimum_length(len(best)) for segment in found[1:-1])


@pytest.mark.parametrize(
    ("frames", "least"),
    [(5, 1), (9, 1), (10, 2), (19, 2), (20, 3), (24, 3), (60, 3), (89, 3), (90, 4), (150, 6)],
)
def test_a_segment_between_two_others_is_longer_than_flutter(frames: int, least: int) -> None:
    def labels(length: int) -> list[int]:
        return [
            segment.label for segment in segments(np.eye(3)[[*[0] * (frames - length - 1), *[1] * length, 2]])
        ]

    assert minimum_length(frames) == least
    assert labels(least) == [0, 1, 2]
    assert labels(least - 1) == [0, 2]
