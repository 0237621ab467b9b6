"""The page of a running job, in a real browser."""

import dataclasses
import re
from datetime import UTC, datetime

import pytest
from playwright.sync_api import expect

from farm.records import Sentence
from farm.report import PictureCache, write_report
from tests.report.conftest import report_data, store
from tests.report.screen import expect_frame

pytestmark = pytest.mark.browser


def test_a_page_works_before_the_first_frame(folder, open_page):
    write_report(folder, report_data(state="running", frames=(), refresh_seconds=60.0))
    page = open_page(folder)
    expect(page.get_by_text("No frame is finished yet.")).to_be_visible()
    page.get_by_role("button", name="Keys").click()
    expect(page.get_by_role("dialog")).to_be_visible()


def running(frames):
    return report_data(
        state="running",
        frames=tuple(range(frames)),
        refresh_seconds=1.0,
        written_at=datetime.now(UTC).isoformat(),
        manifest="a: 1\n" * 200,
    )


def test_a_running_job_s_page_reloads_and_keeps_frame_scroll_and_focus(folder, open_page):
    store(folder, range(12))
    cache = PictureCache(folder, 20)
    write_report(folder, running(6), cache)
    page = open_page(folder)
    page.get_by_text("Manifest", exact=True).click()
    page.keyboard.press("ArrowRight")
    page.get_by_label("Speed").select_option("2")
    page.locator("#swing").click()
    page.locator("#scrubber").focus()
    page.evaluate("window.scrollTo(0, 300)")
    expect_frame(page, 1)
    write_report(folder, running(12), cache)
    expect(page.locator(".sheet button")).to_have_count(12)
    expect_frame(page, 1)
    assert page.evaluate("window.scrollY") == 300
    assert page.evaluate("document.activeElement.id") == "scrubber"
    assert page.get_by_label("Speed").input_value() == "2"
    assert page.locator("#swing").get_attribute("aria-pressed") == "true"
    assert page.locator("details.fold").get_attribute("open") == ""
    write_report(folder, report_data(state="done"), cache)
    expect(page.locator(".top .state")).to_have_text("Done")
    expect_frame(page, 1)


def top_of(page, chart):
    return page.locator(f"[data-anchor='chart {chart}']").bounding_box()["y"]


@pytest.mark.parametrize("width", [390, 1280])
def test_the_reading_position_is_kept_when_the_page_grows_above_it(folder, open_page, width):
    store(folder, range(12))
    cache = PictureCache(folder, 20)
    job = running(6)
    write_report(folder, job, cache)
    page = open_page(folder, viewport={"width": width, "height": 700})
    table = page.locator("[data-anchor='chart Object'] table")
    page.get_by_text("As a table: Object").click()
    expect(table).to_be_visible()
    covered = page.locator("#animation").bounding_box()["height"] if width < 900 else 0
    page.evaluate("down => window.scrollBy(0, down)", top_of(page, "Change") - covered)
    before, scrolled = top_of(page, "Change"), page.evaluate("window.scrollY")
    more = tuple(dataclasses.replace(job.charts[0], title=f"More {number}") for number in range(5))
    insights = tuple(Sentence(text=f"It turns at {number}.", frames=()) for number in range(20))
    write_report(
        folder, dataclasses.replace(running(12), insights=insights, charts=(*more, *job.charts)), cache
    )
    expect(page.locator(".chart")).to_have_count(7)
    expect_frame(page, 0)
    expect(table).to_be_visible()
    assert page.evaluate("window.scrollY") > scrolled + 1000
    assert top_of(page, "Change") == pytest.approx(before, abs=2)


def test_the_reading_position_is_kept_when_the_first_frames_arrive(folder, open_page):
    store(folder, range(12))
    write_report(folder, dataclasses.replace(running(0), manifest="a: 1\n" * 200))
    page = open_page(folder, viewport={"width": 1280, "height": 500})
    page.get_by_text("Manifest", exact=True).click()
    page.evaluate("document.querySelector('.fold').scrollIntoView()")
    before = page.locator(".fold").bounding_box()["y"]
    write_report(folder, running(12))
    expect(page.locator(".sheet button")).to_have_count(12)
    expect_frame(page, 0)
    assert page.locator(".fold").get_attribute("open") == ""
    assert page.locator(".fold").bounding_box()["y"] == pytest.approx(before, abs=2)


def test_playback_continues_after_a_reload(folder, open_page):
    store(folder, range(12))
    write_report(folder, running(12))
    page = open_page(folder)
    page.keyboard.press("Space")
    with page.expect_event("load"):
        pass
    expect(page.get_by_role("button", name="Pause", exact=True)).to_be_visible()


def test_reloading_can_be_turned_off(folder, open_page, watched):
    store(folder, range(2))
    write_report(folder, running(2))
    page = open_page(folder)
    page.get_by_label("Refresh every").uncheck()
    before = len(watched.requests)
    page.wait_for_timeout(2000)
    assert len(watched.requests) == before


def test_an_old_page_warns_that_the_run_may_have_ended(folder, open_page):
    write_report(folder, report_data(state="running", frames=(), refresh_seconds=60.0))
    expect(open_page(folder).locator("#fresh")).to_contain_text("The run may have ended unexpectedly.")
    fresh = report_data(
        state="running", frames=(), refresh_seconds=60.0, written_at=datetime.now(UTC).isoformat()
    )
    write_report(folder, fresh)
    expect(open_page(folder).locator("#fresh")).to_have_text(re.compile(r"^Written \d s ago\.$"))
