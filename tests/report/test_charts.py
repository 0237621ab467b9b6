import math

import pytest

from farm.report import Chart, ChartCurve, FrameSpan
from farm.report.charts import MAX_PLOTTED, CurvePath, band, draw_chart, in_words, plotted_frames


def drawn(*values, probabilities=True, points=False):
    curves = (ChartCurve(label="c", values=values),)
    chart = Chart(title="t", curves=curves, probabilities=probabilities, points=points)
    return draw_chart(chart, range(len(values)), len(values))


def test_a_curve_runs_from_the_left_end_to_the_right_with_one_at_the_top():
    path = drawn(0.0, 0.5, 1.0).curves[0].path
    assert path == CurvePath(line="M0 200L500 100L1000 0", dots="")


@pytest.mark.parametrize("missing", [None, math.nan, math.inf])
def test_a_missing_value_breaks_a_curve_and_an_isolated_value_is_a_dot(missing):
    curve = drawn(0.0, 0.5, missing, 1.0, missing).curves[0]
    assert curve.path == CurvePath(line="M0 200L250 100", dots="M750 0h0")
    assert curve.values == (0.0, 0.5, None, 1.0, None)


def test_independent_pictures_are_points_without_a_line():
    assert drawn(0.0, 0.5, points=True).curves[0].path == CurvePath(line="", dots="M0 200h0M1000 100h0")


def test_a_chart_without_values_is_none():
    assert drawn(None, math.nan) is None


def test_a_curve_without_values_is_described_as_such_next_to_others():
    curves = (ChartCurve(label="c", values=(None,)), ChartCurve(label="d", values=(1.0,)))
    curve = draw_chart(Chart(title="t", curves=curves), range(1), 1).curves[0]
    assert (curve.path, curve.words) == (CurvePath(line="", dots=""), "c: no values.")


def test_a_single_frame_is_a_dot_in_the_middle():
    assert drawn(1.0).curves[0].path.dots == "M500 0h0"


def test_of_many_curves_those_with_the_highest_maxima_are_drawn():
    curves = tuple(ChartCurve(label=str(k), values=(0.0, k / 20)) for k in range(20))
    chart = draw_chart(Chart(title="t", curves=curves, probabilities=True), range(2), 2)
    assert chart.drawn == tuple(range(12, 20))
    assert [curve.label for curve in chart.curves] == [curve.label for curve in curves]


def test_probabilities_have_an_axis_from_0_to_1_and_other_values_a_fitted_one():
    assert drawn(0.2, 0.3).ticks == ("100%", "50%", "0%")
    assert drawn(0.2, 0.3, probabilities=False).ticks == ("0.300", "0.275", "0.250", "0.225", "0.200")


def test_grid_lines_are_at_the_ticks():
    assert drawn(0.0, 1.0).grid == ("200", "100", "0")


def test_a_curve_is_described_in_words():
    words = in_words("cat", (0.9, None, 0.95, 0.1, 0.12345), (0, 1, 2, 3, 4))
    assert words == "cat: 0.9 at frame 0, 0.123 at frame 4; lowest 0.1 at frame 3, highest 0.95 at frame 2."


def test_a_curve_of_probabilities_is_described_in_percent():
    assert drawn(1.0, 0.126).curves[0].words == (
        "c: 100% at frame 0, 12.6% at frame 1; lowest 12.6% at frame 1, highest 100% at frame 0."
    )


def test_a_curve_that_ends_early_has_no_values_after_it():
    chart = Chart(title="t", curves=(ChartCurve(label="c", values=(0.5,)),), probabilities=True)
    assert draw_chart(chart, range(3), 3).curves[0].values == (0.5, None, None)


def test_values_are_rounded_to_visible_digits():
    assert drawn(0.123456789).curves[0].values == (0.1235,)


def test_a_long_job_is_drawn_at_evenly_spaced_frames_and_those_shown():
    plotted = plotted_frames(100_000, (0, 12_345, 99_999))
    assert 12_345 in plotted
    assert len(plotted) <= MAX_PLOTTED + 1
    assert plotted_frames(150, (0, 149)) == tuple(range(150))


@pytest.mark.parametrize(
    ("first", "last", "count", "expected"),
    [
        (2, 4, 11, ("150", "300")),
        (0, 10, 11, ("0", "1000")),
        (0, 0, 1, ("0", "1000")),
        (7, 7, 9001, ("0.7", "2")),
    ],
)
def test_a_band_covers_its_frames_and_is_always_visible(first, last, count, expected):
    assert band(FrameSpan(first=first, last=last, reason=""), count) == expected
