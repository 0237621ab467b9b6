import pytest

from farm.cli.inspect import plot


def test_bars_rise_from_zero_to_the_largest_value():
    assert plot([0.0, 0.25, 0.5, 1.0], width=8, height=2) == [
        "1 ┤   █",
        "0 ┤▁▄██",
        "   0  3",
    ]


def test_fewer_values_than_columns_have_wider_bars():
    assert plot([0.5, 1.0], width=9, height=1) == ["1 ┤▄▄▄███", "   0    1"]


def test_more_values_than_columns_share_bars_and_no_peak_is_lost():
    values = [0.1] * 400
    values[333] = 1.0
    [bars, ends] = plot(values, width=80, height=1)
    assert bars == f"1 ┤{'▁' * 64}█{'▁' * 12}"
    assert ends == "   0" + "399".rjust(76)


def test_a_missing_value_leaves_a_gap_and_zero_is_visible():
    [bars, _] = plot([None, 0.0, 1.0, None], width=7, height=1)
    assert bars == "1 ┤ ▁█"


def test_a_curve_of_zeros_is_a_line_along_the_bottom():
    assert plot([0.0, 0.0, 0.0], width=6, height=2) == ["0 ┤", "0 ┤▁▁▁", "   0 2"]


@pytest.mark.parametrize("values", [[], [None, None]])
def test_nothing_is_drawn_without_values(values):
    assert plot(values, width=80, height=6) == []


def test_a_single_value_has_a_single_index():
    assert plot([0.5], width=8, height=1) == ["0.5 ┤███", "     0"]


@pytest.mark.parametrize("count", [1, 2, 60, 74, 75, 76, 150, 10_000])
@pytest.mark.parametrize("top", [1.0, 0.0304321, 1e-7])
def test_a_plot_is_never_wider_than_requested(count, top):
    lines = plot([top] * count, width=80, height=6)
    assert len(lines) == 7
    assert max(map(len, lines)) <= 80
