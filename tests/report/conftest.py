"""Jobs whose frames have distinct colours, and a headless Chromium that opens their pages."""

from __future__ import annotations

import dataclasses
import io
import shutil
from collections.abc import Callable, Iterable, Iterator

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from farm.records import Pixels
from farm.report import Chart, ChartCurve, ReportData
from farm.store import JobFolder, file_name

CHROMIUMS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def colour(frame: int) -> tuple[int, int, int]:
    return (frame * 37 % 256, 255 - frame % 256, 90)


def flat(frame: int, height: int = 32, width: int = 32) -> Pixels:
    return np.full((height, width, 3), colour(frame), np.uint8)


def save(folder: JobFolder, frame: int, pixels: Pixels) -> None:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="png", compress_level=1)
    folder.write(file_name(frame), buffer.getvalue())


def store(folder: JobFolder, frames: Iterable[int], height: int = 32, width: int = 32) -> None:
    for frame in frames:
        save(folder, frame, flat(frame, height, width))


def report_data(count: int = 20, **replaced: object) -> ReportData:
    """Return a finished job of `count` frames with two charts of known values."""
    job = ReportData(
        name="demo",
        description="From a star to a flower",
        kind="interpolate",
        state="done",
        frame_count=count,
        frames=tuple(range(count)),
        written_at="2026-11-22T05:31:03+00:00",
        started_at="2026-11-22T05:29:00.678950+00:00",
        seconds=121.4,
        charts=(
            Chart(
                title="Object",
                unit="probability",
                probabilities=True,
                curves=(
                    ChartCurve(label="star", values=tuple(1 - frame / (count - 1) for frame in range(count))),
                    ChartCurve(label="flower", values=tuple(frame / (count - 1) for frame in range(count))),
                ),
            ),
            Chart(
                title="Change",
                curves=(ChartCurve(label="rgb", values=(None, *(k / 100 for k in range(1, count)))),),
            ),
        ),
    )
    return dataclasses.replace(job, **replaced)  # type: ignore[arg-type]


@pytest.fixture
def folder(tmp_path) -> JobFolder:
    return JobFolder(str(tmp_path / "job"))


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """The installed Chromium; nothing is downloaded."""
    path = next((found for name in CHROMIUMS if (found := shutil.which(name))), None)
    if path is None:
        pytest.skip("Chromium is not installed: apt-get install chromium, or put one on PATH")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield browser
        browser.close()


class Watched:
    """Records the console messages, errors and requests of pages."""

    def __init__(self) -> None:
        self.messages: list[str] = []
        self.requests: list[str] = []

    def watch(self, page: Page) -> None:
        page.on("console", lambda message: self.messages.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: self.messages.append(str(error)))
        page.on("request", lambda request: self.requests.append(request.url))


@pytest.fixture
def watched() -> Watched:
    return Watched()


@pytest.fixture
def open_page(chromium, watched) -> Iterator[Callable[..., Page]]:
    """Open a file of a job folder in the browser; afterwards, no page may have logged a message."""
    contexts = []

    def open_file(folder: JobFolder, name: str = "report.html", **context: object) -> Page:
        settings = {"viewport": {"width": 1280, "height": 900}, "reduced_motion": "reduce"} | context
        contexts.append(chromium.new_context(**settings))
        page = contexts[-1].new_page()
        page.set_default_timeout(20_000)
        watched.watch(page)
        page.goto(f"file://{folder.path(name)}")
        return page

    yield open_file
    for context in contexts:
        context.close()
    assert watched.messages == []
