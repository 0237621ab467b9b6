"""Evenly spaced selections of frames."""

import pytest

from farm.records import evenly_spaced


@pytest.mark.parametrize(
    ("count", "limit", "expected"),
    [
        (0, 5, ()),
        (1, 50, (0,)),
        (5, 1, (0,)),
        (2, 2, (0, 1)),
        (3, 50, (0, 1, 2)),
        (150, 4, (0, 50, 99, 149)),
    ],
)
def test_numbers_are_evenly_spaced_with_both_ends(count, limit, expected):
    assert evenly_spaced(count, limit) == expected


@pytest.mark.parametrize("count", range(1, 300, 7))
def test_no_number_is_chosen_twice(count):
    assert len(set(evenly_spaced(count, 50))) == min(count, 50)
