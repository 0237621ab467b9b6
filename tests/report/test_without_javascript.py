"""Pages where scripts do not run, in a real browser."""

import pytest
from playwright.sync_api import expect

from farm.records import Sentence
from farm.report import GalleryEntry, write_gallery, write_report
from tests.report.conftest import a_job, store

pytestmark = pytest.mark.browser

UNWORKABLE = "#screen, .transport, .values, .cursor, #theme, #help-open, .switch, .filters"


def test_a_page_shows_its_first_picture_and_hides_what_cannot_work(folder, look):
    store(folder, range(20))
    insights = (Sentence(text="At frame 3.", frames=(3,), places=(9,)),)
    write_report(folder, a_job(insights=insights, state="running", refresh_seconds=60.0))
    page = look(folder, java_script_enabled=False)
    picture = page.get_by_role("img", name="Frame 0", exact=True)
    expect(picture).to_be_visible()
    assert picture.bounding_box()["width"] > 300
    for element in page.locator(UNWORKABLE).all():
        expect(element).to_be_hidden()
    said = page.locator("noscript .note")
    expect(said).to_be_visible()
    expect(said).to_have_text("Frame 0. The animation needs JavaScript; the contact sheet below does not.")
    look_of = page.locator(".account .to-frame").evaluate("one => getComputedStyle(one).textDecorationLine")
    assert look_of == "none"


def test_a_gallery_hides_its_filters(folder, look):
    entry = GalleryEntry(folder="demo", name="demo", state="done", frames=2, frame_count=2)
    write_gallery(folder, [entry])
    page = look(folder, "index.html", java_script_enabled=False)
    expect(page.locator(".filters")).to_be_hidden()
    expect(page.get_by_role("link", name="demo")).to_be_visible()
