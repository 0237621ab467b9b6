import pytest

from farm.units import format_duration, format_size


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.0 s"),
        (1.25, "1.2 s"),
        (9.96, "10 s"),
        (59.4, "59 s"),
        (59.6, "1 min"),
        (121.4, "2 min 1 s"),
        (3599.6, "1 h"),
        (7265, "2 h 1 min"),
        (400_000, "111 h 6 min"),
    ],
)
def test_a_duration_has_its_two_largest_units(seconds, text):
    assert format_duration(seconds) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (37_265, "37.3 kB"),
        (3_068_933, "3.07 MB"),
        (999_900, "1 MB"),
        (999_900_000, "1 GB"),
        (10**10, "10 GB"),
        (10**13, "10000 GB"),
    ],
)
def test_a_size_has_three_digits_and_a_decimal_unit(number, text):
    assert format_size(number) == text
