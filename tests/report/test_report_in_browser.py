"""The page of a job, in a real browser."""

import datetime
import re

import pytest
from playwright.sync_api import expect

from farm.records import Sentence
from farm.report import write_report
from tests.report.conftest import report_data, store
from tests.report.screen import RECORD, current_frame, expect_frame

pytestmark = pytest.mark.browser


@pytest.fixture
def page(folder, open_page):
    """A finished job of 20 frames, at frame 0, not playing."""
    store(folder, range(20))
    job = report_data(
        insights=(Sentence(text="It turns at frame 7.", frames=(7,), places=(18,)),), manifest="version: 1\n"
    )
    write_report(folder, job)
    page = open_page(folder)
    expect_frame(page, 0)
    return page


def values(page):
    return page.locator(".chart .value").all_text_contents()


def hover(page, chart, across):
    area = page.locator(".area").nth(chart)
    area.scroll_into_view_if_needed()
    box = area.bounding_box()
    page.mouse.move(box["x"] + box["width"] * across, box["y"] + box["height"] / 2)


def stop_clock(page):
    """Let the page's time pass only in `page.clock.run_for`."""
    page.clock.install()
    page.clock.pause_at(datetime.datetime(2100, 1, 1))


def test_it_plays_and_stops(page):
    button = page.get_by_role("button", name="Play", exact=True)
    button.click()
    expect(page.get_by_role("button", name="Pause", exact=True)).to_be_visible()
    expect(page.locator("#screen")).to_have_attribute("data-frame", re.compile("^([3-9]|1.)$"))
    page.get_by_role("button", name="Pause", exact=True).click()
    stopped = current_frame(page)
    page.wait_for_timeout(400)
    expect_frame(page, stopped)
    expect(page.get_by_role("status")).to_have_text(f"Paused at frame {stopped}")


@pytest.mark.parametrize(("swing", "seen"), [(False, "18,19,0,1"), (True, "18,19,18,17")])
def test_at_the_end_it_starts_over_or_reverses(folder, open_page, swing, seen):
    store(folder, range(20))
    write_report(folder, report_data(rubber_band=swing))
    page = open_page(folder)
    page.evaluate(RECORD)
    stop_clock(page)
    for key in ("End", "ArrowLeft", "Space"):
        page.keyboard.press(key)
    page.clock.run_for(1000)
    expect(page.locator("body")).to_have_attribute("data-seen", re.compile(seen))


def test_it_plays_at_the_speed_of_the_animation_and_twice_that(folder, open_page):
    store(folder, range(20))
    write_report(folder, report_data(fps=10.0))
    page = open_page(folder)
    stop_clock(page)

    def frames_in_half_a_second():
        before = current_frame(page)
        page.get_by_role("button", name="Play", exact=True).click()
        page.clock.run_for(500)
        page.get_by_role("button", name="Pause", exact=True).click()
        return current_frame(page) - before

    assert frames_in_half_a_second() == pytest.approx(5, abs=1)
    page.get_by_label("Speed").select_option("2")
    assert frames_in_half_a_second() == pytest.approx(10, abs=1)


def test_the_scrubber_shows_its_frame(page):
    page.get_by_role("slider", name="Frame").fill("12")
    expect_frame(page, 12)
    expect(page.get_by_role("slider")).to_have_attribute("aria-valuetext", "Frame 12 of 20")
    expect(page.locator("#screen")).to_have_attribute("aria-label", "Frame 12 of 20")


def test_moving_the_pointer_over_a_chart_shows_that_frame(page):
    hover(page, 0, 5 / 19)
    expect_frame(page, 5)
    hover(page, 1, 18.9 / 19)
    expect_frame(page, 19)
    assert page.get_by_role("slider").input_value() == "19"


def test_the_curves_follow_the_frame(page):
    page.get_by_role("slider").fill("19")
    assert page.locator(".cursor").first.evaluate("cursor => cursor.style.left") == "100%"
    assert values(page) == ["0.0%", "100.0%", "0.190"]
    page.keyboard.press("Home")
    assert page.locator(".cursor").last.evaluate("cursor => cursor.style.left") == "0%"
    assert values(page) == ["100.0%", "0.0%", "–"]


def test_the_cursor_is_at_the_frame_in_the_drawing(page):
    page.get_by_role("slider").fill("10")
    area = page.locator(".area").first.bounding_box()
    cursor = page.locator(".cursor").first.bounding_box()
    assert cursor["x"] - area["x"] == pytest.approx(area["width"] * 10 / 19, abs=1.5)


def test_a_playing_animation_pauses_while_the_pointer_is_on_a_chart(page):
    page.keyboard.press("Space")
    hover(page, 0, 0.5)
    paused = current_frame(page)
    page.wait_for_timeout(500)
    assert current_frame(page) == paused
    page.mouse.move(0, 0)
    expect(page.locator("#screen")).not_to_have_attribute("data-frame", str(paused))


def test_dragging_a_finger_over_a_chart_shows_the_frames(folder, open_page, chromium):
    store(folder, range(20))
    write_report(folder, report_data())
    page = open_page(folder, has_touch=True, viewport={"width": 360, "height": 740})
    area = page.locator(".area").first
    area.scroll_into_view_if_needed()
    box = area.bounding_box()
    session = page.context.new_cdp_session(page)
    y = box["y"] + box["height"] / 2
    for kind, across in (("touchStart", 2), ("touchMove", 6), ("touchMove", 12)):
        point = {"x": box["x"] + box["width"] * across / 19, "y": y}
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [point]})
    expect_frame(page, 12)
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


@pytest.mark.parametrize(
    ("keys", "frame"),
    [
        (["ArrowRight"], 1),
        (["End"], 19),
        (["End", "ArrowLeft"], 18),
        (["End", "Home"], 0),
        (["Shift+ArrowRight", "Shift+ArrowRight"], 19),
        (["ArrowLeft"], 0),
        (["Tab", "ArrowRight", "ArrowRight"], 2),
    ],
)
def test_keys_move_the_frame(page, keys, frame):
    for key in keys:
        page.keyboard.press(key)
    expect_frame(page, frame)


def test_space_toggles_once_when_the_button_has_the_focus(page):
    page.locator("#play").focus()
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="Pause", exact=True)).to_be_visible()
    page.wait_for_timeout(200)
    expect(page.get_by_role("button", name="Pause", exact=True)).to_be_visible()


def test_the_keys_are_explained_and_ignored_meanwhile(page):
    page.keyboard.press("?")
    help_ = page.get_by_role("dialog", name="Keys")
    expect(help_).to_be_visible()
    page.keyboard.press("ArrowRight")
    expect_frame(page, 0)
    page.keyboard.press("Escape")
    expect(help_).to_be_hidden()
    page.get_by_role("button", name="Keys").click()
    expect(help_).to_be_visible()
    page.get_by_role("button", name="Close").click()
    expect(help_).to_be_hidden()


def test_a_click_on_a_thumbnail_or_on_a_frame_number_shows_the_frame(page):
    page.locator(".sheet").get_by_role("button", name="Frame 14", exact=True).click()
    expect_frame(page, 14)
    expect(page.locator(".sheet [aria-current]")).to_have_text("14")
    page.locator(".insights").get_by_role("button", name="Frame 7", exact=True).click()
    expect_frame(page, 7)
    expect(page.locator(".sheet [aria-current]")).to_have_text("7")


def test_the_contact_sheet_is_one_tab_stop_and_arrow_keys_move_in_it(page):
    assert page.locator(".sheet button[tabindex='0']").count() == 1
    page.locator(".sheet button[tabindex='0']").focus()
    page.keyboard.press("ArrowRight")
    expect_frame(page, 1)
    assert page.evaluate("document.activeElement.dataset.frame") == "1"


def test_a_chart_has_a_table(page):
    page.get_by_text("As a table: Object").click()
    table = page.locator(".values table").first
    expect(table.locator("tr")).to_have_count(21)
    assert table.locator("tr").nth(20).locator("th, td").all_text_contents() == ["19", "0.0%", "100.0%"]


def test_a_chart_is_described_in_words(page):
    words = page.get_by_role("img", name="star:").get_attribute("aria-label")
    assert words.startswith(
        "star: 100% at frame 0, 0% at frame 19; lowest 0% at frame 19, highest 100% at frame 0."
    )


def test_the_url_names_the_frame_and_opens_it(page, folder, open_page):
    page.get_by_role("slider").fill("9")
    page.wait_for_url("**#frame-9")
    expect_frame(open_page(folder, "report.html#frame-13"), 13)


def test_it_plays_by_itself_unless_reduced_motion_is_preferred(folder, open_page, page):
    moving = open_page(folder, reduced_motion="no-preference")
    expect(moving.get_by_role("button", name="Pause", exact=True)).to_be_visible()
    page.wait_for_timeout(300)
    expect(page.get_by_role("button", name="Play", exact=True)).to_be_visible()


@pytest.mark.parametrize("system", ["light", "dark"])
def test_the_theme_follows_the_system_until_it_is_switched(folder, open_page, system):
    store(folder, range(2))
    write_report(folder, report_data(2))
    page = open_page(folder, color_scheme=system)
    ground = "getComputedStyle(document.documentElement).backgroundColor"
    light, dark = "rgb(251, 250, 248)", "rgb(21, 20, 18)"
    mine, other = (light, dark) if system == "light" else (dark, light)
    assert page.evaluate(ground) == mine
    page.get_by_role("button", name="Switch between light and dark").click()
    assert page.evaluate(ground) == other
    page.reload()
    assert page.evaluate(ground) == other


def test_injected_code_does_not_run(page, watched):
    page.evaluate(
        """() => {
        const script = document.createElement('script');
        script.textContent = 'window.injected = 1';
        document.body.append(script);
        document.body.insertAdjacentHTML('beforeend', '<b onclick="window.injected = 1">x</b>');
        document.body.lastElementChild.click();
        }"""
    )
    assert page.evaluate("fetch('data:,x').then(() => 'fetched', () => 'refused')") == "refused"
    assert page.evaluate("window.injected") is None
    refusals = [text for text in watched.messages if "Content Security Policy" in text]
    assert len(refusals) >= 3
    watched.messages.clear()
