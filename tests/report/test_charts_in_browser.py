"""Charts of a job's page beside each other, and many curves in one, in a real browser."""

import pytest
from playwright.sync_api import expect

from farm.report import Chart, ChartCurve, write_report
from tests.report.conftest import a_job, store
from tests.report.seeing import shows

pytestmark = pytest.mark.browser


def chart(title, *curves, **replaced):
    named = tuple(
        ChartCurve(label=f"{title} {number}", values=values) for number, values in enumerate(curves)
    )
    return Chart(title=title, curves=named, **replaced)


@pytest.fixture
def open_page(folder, look):
    def make(*charts, width=1280, **replaced):
        store(folder, range(20))
        write_report(folder, a_job(charts=charts, **replaced))
        page = look(folder, viewport={"width": width, "height": 844})
        shows(page, 0)
        return page

    return make


@pytest.mark.parametrize("width", [390, 1280])
def test_the_cursors_of_all_charts_stand_in_line_however_long_their_numbers(open_page, width):
    wide = chart("wide", tuple(-1234.5 * frame for frame in range(20)))
    narrow = chart("narrow", tuple(float(frame) for frame in range(20)))
    page = open_page(a_job().charts[0], wide, narrow, width=width)
    lefts = {area.bounding_box()["x"] for area in page.locator(".area").all()}
    assert len(lefts) == 1


@pytest.mark.parametrize("width", [390, 1280])
def test_no_value_changes_the_height_of_a_legend(open_page, width):
    values = [tuple((-1.0) ** frame * 10.0 ** (frame % 5 - k) for frame in range(20)) for k in range(3)]
    page = open_page(
        chart("any", *values),
        chart("probable", *((frame / 19, 1 - frame / 19) * 10 for frame in range(5)), probabilities=True),
        chart("holes", (None, 1234.5) * 10, (None, -0.001) * 10, (0.5,) * 20),
        width=width,
    )
    heights = set()
    for _ in range(20):
        heights.add(tuple(legend.bounding_box()["height"] for legend in page.locator(".legend").all()))
        page.keyboard.press("ArrowRight")
    assert len(heights) == 1


def test_a_value_alone_is_a_dot_that_is_seen_whole(open_page):
    page = open_page(chart("alone", (*(None,) * 19, 0.5)))
    dot = page.locator(".area .dots")
    assert page.locator(".area .curve").count() == 0
    assert float(dot.evaluate("dot => getComputedStyle(dot).strokeWidth").removesuffix("px")) >= 6
    assert dot.evaluate("dot => getComputedStyle(dot.ownerSVGElement).overflow") == "visible"


def test_the_values_of_many_curves_are_those_of_the_drawn_and_all_are_in_the_table(open_page):
    page = open_page(chart("many", *((k / 100,) * 20 for k in range(100)), probabilities=True))
    assert page.locator(".legend .value").all_text_contents() == [f"{k}.0%" for k in range(92, 100)]
    page.get_by_text("As a table").click()
    expect(page.locator(".values thead th")).to_have_count(101)


def test_the_caption_follows_the_frame(open_page):
    page = open_page(captions=tuple(f"guidance {frame}" for frame in range(20)))
    assert page.locator("#caption").text_content() == "guidance 0"
    page.keyboard.press("End")
    shows(page, 19)
    assert page.locator("#caption").text_content() == "guidance 19"
    assert page.locator("#screen").get_attribute("aria-label") == "Frame 19 of 20: guidance 19"
    page.get_by_role("button", name="Frame 3: guidance 3", exact=True).click()
    shows(page, 3)
