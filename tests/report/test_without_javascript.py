"""Pages without JavaScript, in a real browser."""

import pytest
from playwright.sync_api import expect

from farm.records import Sentence
from farm.report import GalleryEntry, write_gallery, write_report
from tests.report.conftest import report_data, store

pytestmark = pytest.mark.browser

NEEDS_JAVASCRIPT = "#screen, .transport, .values, .cursor, #theme, #help-open, .switch, .filters"


def test_a_page_shows_its_first_picture_and_hides_its_controls(folder, open_page):
    store(folder, range(20))
    insights = (Sentence(text="At frame 3.", frames=(3,), places=(9,)),)
    write_report(folder, report_data(insights=insights, state="running", refresh_seconds=60.0))
    page = open_page(folder, java_script_enabled=False)
    picture = page.get_by_role("img", name="Frame 0", exact=True)
    expect(picture).to_be_visible()
    assert picture.bounding_box()["width"] > 300
    for element in page.locator(NEEDS_JAVASCRIPT).all():
        expect(element).to_be_hidden()
    note = page.locator("noscript .note")
    expect(note).to_be_visible()
    expect(note).to_have_text("Frame 0. The animation needs JavaScript; the contact sheet below does not.")
    decoration = page.locator(".insights .to-frame").evaluate(
        "one => getComputedStyle(one).textDecorationLine"
    )
    assert decoration == "none"


def test_a_gallery_hides_its_filters(folder, open_page):
    entry = GalleryEntry(folder="demo", name="demo", state="done", frames=2, frame_count=2)
    write_gallery(folder, [entry])
    page = open_page(folder, "index.html", java_script_enabled=False)
    expect(page.locator(".filters")).to_be_hidden()
    expect(page.get_by_role("link", name="demo")).to_be_visible()
