"""The gallery, in a real browser."""

import itertools
import re
from dataclasses import replace

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from farm.report import GalleryEntry, write_gallery, write_preview, write_report
from farm.store import JobFolder
from tests.exhaustive import sample
from tests.report.conftest import report_data, store
from tests.report.hostile import EVERYTHING

pytestmark = pytest.mark.browser
THEMES_AND_WIDTHS = [(theme, width) for theme in ("light", "dark") for width in (360, 1280)]

STATES = ("done", "done", "partial", "failed", "interrupted", "running", "unreadable")


def entry(number, state):
    has_no_frames = state in ("failed", "unreadable")
    return GalleryEntry(
        folder=f"job-{number}",
        name=f"job-{number}",
        state=state,
        frames=0 if has_no_frames else 20 - number % 3,
        frame_count=20,
        description=("a red star", "a purple flower", EVERYTHING)[number % 3],
        seconds=0 if has_no_frames else 10.0 * number + 1,
        started_at=f"2026-11-{1 + number % 20:02d}T05:{number % 60:02d}:00+00:00",
        error="ModelError: no such checkpoint" if has_no_frames else "",
        report=state != "unreadable",
    )


def write(folder, count, **settings):
    """Write `count` jobs in all states: those with frames have previews, and the first a report."""
    jobs = [entry(number, state) for number, state in zip(range(count), itertools.cycle(STATES))]
    first = JobFolder(folder.path("job-0"))
    store(first, range(20), 64, 64)
    write_preview(first, range(20))
    write_report(first, report_data())
    preview = first.read("preview.webp")
    for job in jobs:
        if job.frames:
            folder.write(f"{job.folder}/preview.webp", preview)
    write_gallery(folder, jobs, written_at="2026-11-22T06:00:00+00:00", **settings)


@pytest.fixture
def page(folder, open_page):
    write(folder, 14)
    return open_page(folder, "index.html", reduced_motion="no-preference")


def names(page):
    return [card.get_attribute("data-name") for card in page.locator(".card:visible").all()]


def test_jobs_are_filtered_by_state(page):
    page.get_by_role("button", name="Failed").click()
    assert names(page) == ["job-10", "job-3"]
    expect(page.get_by_role("status")).to_have_text("2 of 14 jobs")
    page.get_by_role("button", name="All").click()
    assert len(names(page)) == 14


def test_jobs_are_found_by_words_of_name_and_description(page):
    search = page.get_by_role("searchbox")
    search.fill("STAR red")
    assert sorted(names(page)) == ["job-0", "job-12", "job-3", "job-6", "job-9"]
    search.fill("job-12 red")
    assert names(page) == ["job-12"]
    search.fill("no such job")
    assert names(page) == []
    expect(page.get_by_text("No matching jobs.")).to_be_visible()


@pytest.mark.parametrize(
    ("order", "first"),
    [
        ("newest", ["job-13", "job-12"]),
        ("oldest", ["job-0", "job-1"]),
        ("name", ["job-0", "job-1", "job-2"]),
        ("seconds", ["job-12", "job-11"]),
        ("state", ["job-10", "job-3", "job-13"]),
    ],
)
def test_jobs_are_sorted(page, order, first):
    page.get_by_label("Order").select_option(order)
    assert names(page)[: len(first)] == first


def test_filters_and_order_are_kept_when_the_page_is_reloaded(page):
    page.get_by_role("button", name="Done").nth(0).click()
    page.get_by_role("searchbox").fill("job-1")
    page.get_by_label("Order").select_option("oldest")
    shown = names(page)
    assert shown == ["job-1"]
    page.reload()
    assert names(page) == shown


def test_a_card_plays_while_the_pointer_or_the_focus_is_on_it(page, folder, watched):
    image = page.locator("[data-name='job-0'] img")
    preview = f"file://{folder.path('job-0/preview.webp')}"
    assert preview not in watched.requests
    with page.expect_request(preview):
        page.locator("[data-name='job-0']").hover()
    assert image.evaluate("image => image.decode().then(() => image.naturalWidth)") == 64
    page.mouse.move(0, 0)
    expect(image).to_have_attribute("src", re.compile("^data:image/webp"))
    page.locator("[data-name='job-0'] a").focus()
    expect(image).to_have_attribute("src", "./job-0/preview.webp")


def test_a_card_does_not_play_with_reduced_motion(folder, open_page):
    write(folder, 2)
    page = open_page(folder, "index.html", reduced_motion="reduce")
    page.locator("[data-name='job-0']").hover()
    page.wait_for_timeout(200)
    assert page.locator("[data-name='job-0'] img").get_attribute("src").startswith("data:image/webp")


def test_a_card_links_to_its_report(page):
    page.locator("[data-name='job-0']").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("demo")


def test_unreadable_and_empty_jobs_have_cards(page):
    broken = page.locator("[data-name='job-6']")
    expect(broken).to_contain_text("Unreadable")
    expect(broken).to_contain_text("ModelError: no such checkpoint")
    expect(broken).to_contain_text("No frames")
    assert broken.get_by_role("link").count() == 0


@pytest.mark.parametrize(("theme", "width"), sample(THEMES_AND_WIDTHS, of=[("light", 1280), ("dark", 360)]))
def test_axe_finds_no_violation_and_no_width_needs_horizontal_scrolling(folder, open_page, theme, width):
    write(folder, 14, refresh_seconds=60.0, title=EVERYTHING)
    page = open_page(folder, "index.html", color_scheme=theme, viewport={"width": width, "height": 740})
    found = Axe().run(page)
    assert found.response["passes"]
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_an_empty_gallery_works(folder, open_page):
    write_gallery(folder, [])
    page = open_page(folder, "index.html")
    expect(page.get_by_text("There are no jobs here yet.")).to_be_visible()
    page.get_by_role("button", name="Switch between light and dark").click()


def test_a_gallery_of_200_jobs_requests_no_preview(folder, open_page, watched):
    write(folder, 200)
    page = open_page(folder, "index.html")
    assert len(names(page)) == 200
    assert {url for url in watched.requests if not url.startswith("data:")} == {
        f"file://{folder.path('index.html')}"
    }


def test_the_reading_position_is_kept_when_newer_jobs_appear_above(folder, open_page):
    old = [replace(entry(number, "running"), started_at=f"2026-01-{number + 1:02d}") for number in range(20)]
    new = [replace(entry(number, "done"), started_at="2026-02-01") for number in range(20, 40)]
    write_gallery(folder, old, refresh_seconds=2.0)
    page = open_page(folder, "index.html", viewport={"width": 400, "height": 500})
    refreshing = page.locator("#refreshing")
    refreshing.uncheck()  # a page that reloads cannot be measured
    card = page.locator("[data-name=job-5]")
    card.evaluate("card => card.scrollIntoView()")
    page.wait_for_timeout(200)
    before = card.bounding_box()["y"]
    write_gallery(folder, [*old, *new], refresh_seconds=60.0)
    refreshing.evaluate("box => { box.checked = true; }")  # a click would scroll to it
    expect(page.locator("#count")).to_have_text("40 jobs")
    page.wait_for_timeout(200)
    assert card.bounding_box()["y"] == pytest.approx(before, abs=3)
