"""The charts of a job's page, with one or many curves, in a real browser."""

import pytest
from playwright.sync_api import expect

from farm.report import Chart, ChartCurve, write_report
from tests.report.conftest import report_data, store
from tests.report.screen import expect_frame

pytestmark = pytest.mark.browser


def chart(title, *curves, **replaced):
    named = tuple(
        ChartCurve(label=f"{title} {number}", values=values) for number, values in enumerate(curves)
    )
    return Chart(title=title, curves=named, **replaced)


@pytest.fixture
def open_charts(folder, open_page):
    def make(*charts, width=1280, **replaced):
        store(folder, range(20))
        write_report(folder, report_data(charts=charts, **replaced))
        page = open_page(folder, viewport={"width": width, "height": 844})
        expect_frame(page, 0)
        return page

    return make


@pytest.mark.parametrize("width", [390, 1280])
def test_the_cursors_of_all_charts_are_aligned_for_numbers_of_any_length(open_charts, width):
    wide = chart("wide", tuple(-1234.5 * frame for frame in range(20)))
    narrow = chart("narrow", tuple(float(frame) for frame in range(20)))
    page = open_charts(report_data().charts[0], wide, narrow, width=width)
    lefts = {area.bounding_box()["x"] for area in page.locator(".area").all()}
    assert len(lefts) == 1


@pytest.mark.parametrize("width", [390, 1280])
def test_no_value_changes_the_height_of_a_legend(open_charts, width):
    values = [tuple((-1.0) ** frame * 10.0 ** (frame % 5 - k) for frame in range(20)) for k in range(3)]
    page = open_charts(
        chart("any", *values),
        chart("probable", *((frame / 19, 1 - frame / 19) * 10 for frame in range(5)), probabilities=True),
        chart("gaps", (None, 1234.5) * 10, (None, -0.001) * 10, (0.5,) * 20),
        width=width,
    )
    heights = set()
    for _ in range(20):
        heights.add(tuple(legend.bounding_box()["height"] for legend in page.locator(".legend").all()))
        page.keyboard.press("ArrowRight")
    assert len(heights) == 1


def test_an_isolated_value_is_a_fully_visible_dot(open_charts):
    page = open_charts(chart("alone", (*(None,) * 19, 0.5)))
    dot = page.locator(".area .dots")
    assert page.locator(".area .curve").count() == 0
    assert float(dot.evaluate("dot => getComputedStyle(dot).strokeWidth").removesuffix("px")) >= 6
    assert dot.evaluate("dot => getComputedStyle(dot.ownerSVGElement).overflow") == "visible"


def test_the_legend_has_the_drawn_curves_and_the_table_has_all(open_charts):
    page = open_charts(chart("many", *((k / 100,) * 20 for k in range(100)), probabilities=True))
    assert page.locator(".legend .value").all_text_contents() == [f"{k}.0%" for k in range(92, 100)]
    page.get_by_text("As a table").click()
    expect(page.locator(".values thead th")).to_have_count(101)


def test_the_caption_follows_the_frame(open_charts):
    page = open_charts(captions=tuple(f"guidance {frame}" for frame in range(20)))
    assert page.locator("#caption").text_content() == "guidance 0"
    page.keyboard.press("End")
    expect_frame(page, 19)
    assert page.locator("#caption").text_content() == "guidance 19"
    assert page.locator("#screen").get_attribute("aria-label") == "Frame 19 of 20: guidance 19"
    page.get_by_role("button", name="Frame 3: guidance 3", exact=True).click()
    expect_frame(page, 3)
