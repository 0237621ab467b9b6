"""The frame that a page shows."""

from playwright.sync_api import Page, expect

from tests.report.conftest import colour

PIXEL = """() => {
    const copy = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
    copy.drawImage(document.getElementById('screen'), 0, 0);
    return [...copy.getImageData(5, 5, 1, 1).data];
}"""
RECORD = """() => {
    const screen = document.getElementById('screen');
    new MutationObserver(() => (document.body.dataset.seen = `${document.body.dataset.seen},${screen.dataset.frame}`))
        .observe(screen, { attributes: true, attributeFilter: ['data-frame'] });
}"""


def expect_frame(page: Page, frame: int) -> None:
    """Wait until a frame is shown, then compare its pixels and its number."""
    expect(page.locator("#screen")).to_have_attribute("data-frame", str(frame))
    assert page.evaluate(PIXEL) == [*colour(frame), 255]
    expect(page.locator("#frame")).to_have_text(str(frame))


def current_frame(page: Page) -> int:
    return int(page.locator("#screen").get_attribute("data-frame"))
