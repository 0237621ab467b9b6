"""Pages of jobs with hostile texts, missing frames and large frames, at every width, in a real browser."""

import os
import re
import shutil
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from farm.records import Sentence
from farm.report import Chart, ChartCurve, FileLink, FlaggedFrame, FrameSpan, Setting, write_report
from farm.store import file_name
from tests.exhaustive import sample
from tests.report.conftest import report_data, save, store
from tests.report.hostile import EVERYTHING
from tests.report.screen import expect_frame

pytestmark = pytest.mark.browser
THEMES_AND_WIDTHS = [(theme, width) for theme in ("light", "dark") for width in (360, 1280)]


def full(folder):
    """Write the page of a running job with all parts, of hostile and long texts."""
    store(folder, [*range(8), *range(12, 20)])
    folder.write(file_name(5), b"no picture")
    write_report(
        folder,
        report_data(
            name=EVERYTHING,
            description=EVERYTHING,
            state="running",
            refresh_seconds=60.0,
            written_at=datetime.now(UTC).isoformat(),
            frames=(*range(8), *range(12, 20)),
            captions=(EVERYTHING[:300],) * 20,
            error=EVERYTHING,
            insights=(
                Sentence(text=EVERYTHING, frames=(7,)),
                Sentence(text="At frame 3.", frames=(3,), places=(9,)),
            ),
            settings=(Setting(name="guidance", value="7.5"), Setting(name=EVERYTHING, value=EVERYTHING)),
            failures=(FrameSpan(first=8, last=11, reason=EVERYTHING),),
            remarks=(FrameSpan(first=2, last=3, reason="alone"),),
            flagged=(FlaggedFrame(frame=7, flag="blank", reason="one colour"),),
            files=(FileLink(path=EVERYTHING[:100], bytes=1),),
            manifest=f"name: {EVERYTHING}\n" * 3,
            charts=(
                *report_data().charts,
                Chart(title=EVERYTHING, curves=(ChartCurve(label=EVERYTHING, values=(0.1,) * 20),)),
            ),
        ),
    )


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_no_width_needs_horizontal_scrolling_whatever_the_texts(folder, open_page, width):
    full(folder)
    page = open_page(folder, viewport={"width": width, "height": 740})
    expect_frame(page, 0)
    for details in page.locator("summary").all():
        details.click()
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_hostile_texts_are_displayed_as_text(folder, open_page):
    full(folder)
    page = open_page(folder)
    page.on("dialog", lambda dialog: pytest.fail(dialog.message))
    assert "<script>alert(1)</script>" in page.get_by_role("heading", level=1).text_content()
    assert page.locator("img[src='x']").count() == 0
    expect_frame(page, 0)


@pytest.mark.parametrize(("theme", "width"), sample(THEMES_AND_WIDTHS, of=[("light", 1280), ("dark", 360)]))
def test_axe_finds_no_violation(folder, open_page, theme, width):
    full(folder)
    page = open_page(folder, color_scheme=theme, viewport={"width": width, "height": 740})
    expect_frame(page, 0)
    for details in page.locator("summary").all():
        details.click()
    found = Axe().run(page)
    assert found.response["passes"]
    assert found.violations_count == 0, found.generate_report()
    page.keyboard.press("?")
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


def test_missing_frames_are_skipped(folder, open_page):
    full(folder)
    page = open_page(folder)
    for _ in range(7):
        page.keyboard.press("ArrowRight")
    expect_frame(page, 12)


def test_only_the_file_itself_is_requested(folder, open_page, watched):
    full(folder)
    page = open_page(folder)
    expect_frame(page, 0)
    page.keyboard.press("Space")
    page.wait_for_timeout(500)
    requested = {url for url in watched.requests if not url.startswith("data:")}
    assert requested == {f"file://{folder.path('report.html')}"}


@pytest.mark.slow
def test_a_report_of_150_noisy_frames_of_512_pixels_is_under_15_mb_and_plays(folder, open_page):
    random = np.random.default_rng(0)
    for frame in range(10):
        save(folder, frame, random.integers(0, 256, (512, 512, 3), dtype=np.uint8))
    for frame in range(10, 150):
        os.link(folder.path(file_name(frame % 10)), folder.path(file_name(frame)))
    written = write_report(folder, report_data(150))
    print(f"\nreport of 150 frames of noise: {written / 1e6:.1f} MB")
    assert written == Path(folder.path("report.html")).stat().st_size < 15_000_000
    page = open_page(folder)
    page.get_by_role("button", name="Play", exact=True).click()
    expect(page.locator("#screen")).to_have_attribute("data-frame", re.compile("^[5-9]|..$"))
    shutil.rmtree(folder.path(""))
