"""The page of a job, in a real browser."""

import datetime
import re

import pytest
from playwright.sync_api import expect

from farm.records import Sentence
from farm.report import write_report
from tests.report.conftest import a_job, store
from tests.report.seeing import RECORD, frame_shown, shows

pytestmark = pytest.mark.browser


@pytest.fixture
def page(folder, look):
    """A finished job of 20 frames, at frame 0, not playing."""
    store(folder, range(20))
    job = a_job(
        insights=(Sentence(text="It turns at frame 7.", frames=(7,), places=(18,)),), manifest="version: 1\n"
    )
    write_report(folder, job)
    page = look(folder)
    shows(page, 0)
    return page


def values(page):
    return page.locator(".chart .value").all_text_contents()


def hover(page, chart, across):
    area = page.locator(".area").nth(chart)
    area.scroll_into_view_if_needed()
    box = area.bounding_box()
    page.mouse.move(box["x"] + box["width"] * across, box["y"] + box["height"] / 2)


def stop_clock(page):
    """Let the page's time pass with `page.clock.run_for` only."""
    page.clock.install()
    page.clock.pause_at(datetime.datetime(2100, 1, 1))


def test_it_plays_and_stops(page):
    button = page.get_by_role("button", name="Play", exact=True)
    button.click()
    expect(page.get_by_role("button", name="Pause", exact=True)).to_be_visible()
    expect(page.locator("#screen")).to_have_attribute("data-frame", re.compile("^([3-9]|1.)$"))
    page.get_by_role("button", name="Pause", exact=True).click()
    stopped = frame_shown(page)
    page.wait_for_timeout(400)
    shows(page, stopped)
    expect(page.get_by_role("status")).to_have_text(f"Paused at frame {stopped}")


@pytest.mark.parametrize(("swing", "seen"), [(False, "18,19,0,1"), (True, "18,19,18,17")])
def test_at_the_end_it_begins_again_or_turns_back(folder, look, swing, seen):
    store(folder, range(20))
    write_report(folder, a_job(rubber_band=swing))
    page = look(folder)
    page.evaluate(RECORD)
    stop_clock(page)
    for key in ("End", "ArrowLeft", "Space"):
        page.keyboard.press(key)
    page.clock.run_for(1000)
    expect(page.locator("body")).to_have_attribute("data-seen", re.compile(seen))


def test_it_plays_at_the_speed_of_the_animation_and_twice_that(folder, look):
    store(folder, range(20))
    write_report(folder, a_job(fps=10.0))
    page = look(folder)
    stop_clock(page)

    def frames_in_half_a_second():
        before = frame_shown(page)
        page.get_by_role("button", name="Play", exact=True).click()
        page.clock.run_for(500)
        page.get_by_role("button", name="Pause", exact=True).click()
        return frame_shown(page) - before

    assert frames_in_half_a_second() == pytest.approx(5, abs=1)
    page.get_by_label("Speed").select_option("2")
    assert frames_in_half_a_second() == pytest.approx(10, abs=1)


def test_the_scrubber_shows_its_frame(page):
    page.get_by_role("slider", name="Frame").fill("12")
    shows(page, 12)
    expect(page.get_by_role("slider")).to_have_attribute("aria-valuetext", "Frame 12 of 20")
    expect(page.locator("#screen")).to_have_attribute("aria-label", "Frame 12 of 20")


def test_moving_over_a_curve_shows_that_frame(page):
    hover(page, 0, 5 / 19)
    shows(page, 5)
    hover(page, 1, 18.9 / 19)
    shows(page, 19)
    assert page.get_by_role("slider").input_value() == "19"


def test_the_curves_follow_the_frame(page):
    page.get_by_role("slider").fill("19")
    assert page.locator(".cursor").first.evaluate("cursor => cursor.style.left") == "100%"
    assert values(page) == ["0.0%", "100.0%", "0.190"]
    page.keyboard.press("Home")
    assert page.locator(".cursor").last.evaluate("cursor => cursor.style.left") == "0%"
    assert values(page) == ["100.0%", "0.0%", "–"]


def test_a_curve_is_hovered_where_it_is_drawn(page):
    page.get_by_role("slider").fill("10")
    area = page.locator(".area").first.bounding_box()
    cursor = page.locator(".cursor").first.bounding_box()
    assert cursor["x"] - area["x"] == pytest.approx(area["width"] * 10 / 19, abs=1.5)


def test_an_animation_that_plays_waits_while_a_curve_is_looked_at(page):
    page.keyboard.press("Space")
    hover(page, 0, 0.5)
    held = frame_shown(page)
    page.wait_for_timeout(500)
    assert frame_shown(page) == held
    page.mouse.move(0, 0)
    expect(page.locator("#screen")).not_to_have_attribute("data-frame", str(held))


def test_a_finger_that_drags_over_a_curve_shows_the_frames(folder, look, chromium):
    store(folder, range(20))
    write_report(folder, a_job())
    page = look(folder, has_touch=True, viewport={"width": 360, "height": 740})
    area = page.locator(".area").first
    area.scroll_into_view_if_needed()
    box = area.bounding_box()
    session = page.context.new_cdp_session(page)
    y = box["y"] + box["height"] / 2
    for kind, across in (("touchStart", 2), ("touchMove", 6), ("touchMove", 12)):
        point = {"x": box["x"] + box["width"] * across / 19, "y": y}
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [point]})
    shows(page, 12)
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
    shows(page, frame)


def test_space_plays_once_though_the_button_has_the_focus(page):
    page.locator("#play").focus()
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="Pause", exact=True)).to_be_visible()
    page.wait_for_timeout(200)
    expect(page.get_by_role("button", name="Pause", exact=True)).to_be_visible()


def test_the_keys_are_explained_and_the_page_waits_meanwhile(page):
    page.keyboard.press("?")
    help_ = page.get_by_role("dialog", name="Keys")
    expect(help_).to_be_visible()
    page.keyboard.press("ArrowRight")
    shows(page, 0)
    page.keyboard.press("Escape")
    expect(help_).to_be_hidden()
    page.get_by_role("button", name="Keys").click()
    expect(help_).to_be_visible()
    page.get_by_role("button", name="Close").click()
    expect(help_).to_be_hidden()


def test_a_click_on_a_picture_or_on_a_number_in_the_account_goes_there(page):
    page.locator(".sheet").get_by_role("button", name="Frame 14", exact=True).click()
    shows(page, 14)
    expect(page.locator(".sheet [aria-current]")).to_have_text("14")
    page.locator(".account").get_by_role("button", name="Frame 7", exact=True).click()
    shows(page, 7)
    expect(page.locator(".sheet [aria-current]")).to_have_text("7")


def test_the_contact_sheet_is_one_stop_of_the_tab_key_and_the_arrows_move_in_it(page):
    assert page.locator(".sheet button[tabindex='0']").count() == 1
    page.locator(".sheet button[tabindex='0']").focus()
    page.keyboard.press("ArrowRight")
    shows(page, 1)
    assert page.evaluate("document.activeElement.dataset.frame") == "1"


def test_a_chart_is_a_table_too(page):
    page.get_by_text("As a table: Object").click()
    table = page.locator(".values table").first
    expect(table.locator("tr")).to_have_count(21)
    assert table.locator("tr").nth(20).locator("th, td").all_text_contents() == ["19", "0.0%", "100.0%"]


def test_a_chart_is_told_in_words(page):
    words = page.get_by_role("img", name="star:").get_attribute("aria-label")
    assert words.startswith(
        "star: 100% at frame 0, 0% at frame 19; lowest 0% at frame 19, highest 100% at frame 0."
    )


def test_the_address_names_the_frame_and_leads_to_it(page, folder, look):
    page.get_by_role("slider").fill("9")
    page.wait_for_url("**#frame-9")
    shows(look(folder, "report.html#frame-13"), 13)


def test_it_plays_by_itself_unless_motion_is_unwelcome(folder, look, page):
    moving = look(folder, reduced_motion="no-preference")
    expect(moving.get_by_role("button", name="Pause", exact=True)).to_be_visible()
    page.wait_for_timeout(300)
    expect(page.get_by_role("button", name="Play", exact=True)).to_be_visible()


@pytest.mark.parametrize("system", ["light", "dark"])
def test_the_theme_is_the_system_s_until_it_is_switched_and_then_stays(folder, look, system):
    store(folder, range(2))
    write_report(folder, a_job(2))
    page = look(folder, color_scheme=system)
    ground = "getComputedStyle(document.documentElement).backgroundColor"
    light, dark = "rgb(251, 250, 248)", "rgb(21, 20, 18)"
    mine, other = (light, dark) if system == "light" else (dark, light)
    assert page.evaluate(ground) == mine
    page.get_by_role("button", name="Switch between light and dark").click()
    assert page.evaluate(ground) == other
    page.reload()
    assert page.evaluate(ground) == other


def test_what_would_be_smuggled_into_the_page_does_not_run(page, watched):
    page.evaluate(
        """() => {
        const script = document.createElement('script');
        script.textContent = 'window.smuggled = 1';
        document.body.append(script);
        document.body.insertAdjacentHTML('beforeend', '<b onclick="window.smuggled = 1">x</b>');
        document.body.lastElementChild.click();
        }"""
    )
    assert page.evaluate("fetch('data:,x').then(() => 'fetched', () => 'refused')") == "refused"
    assert page.evaluate("window.smuggled") is None
    refusals = [text for text in watched.complaints if "Content Security Policy" in text]
    assert len(refusals) >= 3
    watched.complaints.clear()
