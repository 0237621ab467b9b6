"""The page of a job that still runs, in a real browser."""

import dataclasses
import re
from datetime import UTC, datetime

import pytest
from playwright.sync_api import expect

from farm.records import Sentence
from farm.report import PictureCache, write_report
from tests.report.conftest import a_job, store
from tests.report.seeing import shows

pytestmark = pytest.mark.browser


def test_a_page_of_a_job_that_has_no_frame_yet_works(folder, look):
    write_report(folder, a_job(state="running", frames=(), refresh_seconds=60.0))
    page = look(folder)
    expect(page.get_by_text("No frame is finished yet.")).to_be_visible()
    page.get_by_role("button", name="Keys").click()
    expect(page.get_by_role("dialog")).to_be_visible()


def running(frames):
    return a_job(
        state="running",
        frames=tuple(range(frames)),
        refresh_seconds=1.0,
        written_at=datetime.now(UTC).isoformat(),
        manifest="a: 1\n" * 200,
    )


def test_a_running_job_s_page_renews_itself_and_keeps_frame_scroll_and_focus(folder, look):
    store(folder, range(12))
    strip = PictureCache(folder, 20)
    write_report(folder, running(6), strip)
    page = look(folder)
    page.get_by_text("Manifest", exact=True).click()
    page.keyboard.press("ArrowRight")
    page.get_by_label("Speed").select_option("2")
    page.locator("#swing").click()
    page.locator("#scrubber").focus()
    page.evaluate("window.scrollTo(0, 300)")
    shows(page, 1)
    write_report(folder, running(12), strip)
    expect(page.locator(".sheet button")).to_have_count(12)
    shows(page, 1)
    assert page.evaluate("window.scrollY") == 300
    assert page.evaluate("document.activeElement.id") == "scrubber"
    assert page.get_by_label("Speed").input_value() == "2"
    assert page.locator("#swing").get_attribute("aria-pressed") == "true"
    assert page.locator("details.fold").get_attribute("open") == ""
    write_report(folder, a_job(state="done"), strip)
    expect(page.locator(".top .state")).to_have_text("Done")
    shows(page, 1)


def top_of(page, chart):
    return page.locator(f"[data-anchor='chart {chart}']").bounding_box()["y"]


@pytest.mark.parametrize("width", [390, 1280])
def test_a_reader_stays_at_what_they_read_though_the_page_grows_above_it(folder, look, width):
    store(folder, range(12))
    strip = PictureCache(folder, 20)
    job = running(6)
    write_report(folder, job, strip)
    page = look(folder, viewport={"width": width, "height": 700})
    table = page.locator("[data-anchor='chart Object'] table")
    page.get_by_text("As a table: Object").click()
    expect(table).to_be_visible()
    covered = page.locator("#animation").bounding_box()["height"] if width < 900 else 0
    page.evaluate("down => window.scrollBy(0, down)", top_of(page, "Change") - covered)
    before, scrolled = top_of(page, "Change"), page.evaluate("window.scrollY")
    more = tuple(dataclasses.replace(job.charts[0], title=f"More {number}") for number in range(5))
    insights = tuple(Sentence(text=f"It turns at {number}.", frames=()) for number in range(20))
    write_report(
        folder, dataclasses.replace(running(12), insights=insights, charts=(*more, *job.charts)), strip
    )
    expect(page.locator(".chart")).to_have_count(7)
    shows(page, 0)
    expect(table).to_be_visible()
    assert page.evaluate("window.scrollY") > scrolled + 1000
    assert top_of(page, "Change") == pytest.approx(before, abs=2)


def test_a_reader_of_a_page_without_a_frame_stays_where_they_were_when_frames_come(folder, look):
    store(folder, range(12))
    write_report(folder, dataclasses.replace(running(0), manifest="a: 1\n" * 200))
    page = look(folder, viewport={"width": 1280, "height": 500})
    page.get_by_text("Manifest", exact=True).click()
    page.evaluate("document.querySelector('.fold').scrollIntoView()")
    before = page.locator(".fold").bounding_box()["y"]
    write_report(folder, running(12))
    expect(page.locator(".sheet button")).to_have_count(12)
    shows(page, 0)
    assert page.locator(".fold").get_attribute("open") == ""
    assert page.locator(".fold").bounding_box()["y"] == pytest.approx(before, abs=2)


def test_what_plays_goes_on_playing_when_the_page_renews_itself(folder, look):
    store(folder, range(12))
    write_report(folder, running(12))
    page = look(folder)
    page.keyboard.press("Space")
    with page.expect_event("load"):
        pass
    expect(page.get_by_role("button", name="Pause", exact=True)).to_be_visible()


def test_the_refreshing_can_be_stopped(folder, look, watched):
    store(folder, range(2))
    write_report(folder, running(2))
    page = look(folder)
    page.get_by_label("Refresh every").uncheck()
    asked = len(watched.requests)
    page.wait_for_timeout(2000)
    assert len(watched.requests) == asked


def test_a_page_that_was_not_written_for_long_says_that_the_run_may_have_ended(folder, look):
    write_report(folder, a_job(state="running", frames=(), refresh_seconds=60.0))
    expect(look(folder).locator("#fresh")).to_contain_text("The run may have ended unexpectedly.")
    fresh = a_job(state="running", frames=(), refresh_seconds=60.0, written_at=datetime.now(UTC).isoformat())
    write_report(folder, fresh)
    expect(look(folder).locator("#fresh")).to_have_text(re.compile(r"^Written \d s ago\.$"))
