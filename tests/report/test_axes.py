import pytest
from hypothesis import given
from hypothesis import strategies as st

from farm.report.charts import PROBABILITY, Axis, axis_of, tick_text


@pytest.mark.parametrize(
    ("values", "ticks"),
    [
        ([], ["0.0", "0.5", "1.0"]),
        ([0.01, 0.058], ["0.00", "0.02", "0.04", "0.06"]),
        ([20.0, 31.0], ["20", "25", "30", "35"]),
        ([-0.001, 0.001], ["-0.0010", "-0.0005", "0.0000", "0.0005", "0.0010"]),
        ([0.01], ["0.0050", "0.0075", "0.0100", "0.0125", "0.0150"]),
        ([3.0, 3.0], ["1", "2", "3", "4", "5"]),
        ([0.0, 0.0], ["-0.50", "-0.25", "0.00", "0.25", "0.50"]),
        ([0.0, 4e9], ["0", "1e+09", "2e+09", "3e+09", "4e+09"]),
    ],
)
def test_ticks_are_round_and_enclose_the_values(values, ticks):
    axis = axis_of(values)
    assert [tick_text(tick, axis) for tick in axis.ticks] == ticks


def test_a_height_is_the_share_of_the_axis_below_a_value():
    axis = Axis(ticks=(-1.0, 0.0, 1.0, 2.0, 3.0))
    assert (axis.height(-1.0), axis.height(1.0), axis.height(3.0)) == (0.0, 0.5, 1.0)
    assert PROBABILITY.height(0.25) == 0.25


@given(st.lists(st.floats(-1e12, 1e12), min_size=1))
def test_every_value_is_on_its_axis(values):
    axis = axis_of(values)
    assert 2 <= len(axis.ticks) <= 8
    assert all(-1e-6 <= axis.height(value) <= 1 + 1e-6 for value in values)
