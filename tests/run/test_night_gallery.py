"""The gallery of a batch while it runs."""

import logging
import threading
import time

import pytest

from farm.errors import StorageError
from farm.events import JobFinished, JobStarted
from farm.run import BatchGallery
from farm.run import live_pages as night_gallery
from farm.store import FolderLock, JobFolder


@pytest.fixture
def written(monkeypatch):
    """Collect the written pages, each with its refresh interval; the first waits for permission."""
    pages, may = [], threading.Event()

    def write(url, *, refused, began, refresh_seconds):
        pages.append((sorted(began), refresh_seconds))
        assert may.wait(10)
        return f"{url}/index.html"

    monkeypatch.setattr(night_gallery, "gallery", write)
    monkeypatch.setattr(night_gallery, "_MIN_REFRESH_SECONDS", 0.0)
    return pages, may


def wait_for(condition):
    until = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


def started(job):
    return JobStarted(job=job, frame_count=3, kept=0)


def test_requests_during_a_write_are_merged_into_one_page_and_do_not_block(written):
    pages, may = written
    with BatchGallery("out", {}) as night:
        night(started("a"))
        wait_for(lambda: pages)
        for job in "bcd":
            night(started(job))
            night(JobFinished(job=job, state="done"))
        may.set()
        wait_for(lambda: len(pages) == 2)
    assert pages == [(["a"], 10.0), (["a", "b", "c", "d"], 10.0)]
    assert night.finish() == "out/index.html"
    assert pages[2:] == [(["a", "b", "c", "d"], 0)]


def test_a_page_is_rewritten_while_frames_arrive(written, monkeypatch):
    pages, may = written
    monkeypatch.setattr(night_gallery, "_GALLERY_REFRESH_SECONDS", 0.05)
    may.set()
    with BatchGallery("out", {}) as night:
        night(started("a"))
        wait_for(lambda: len(pages) > 2)


def test_a_batch_in_which_nothing_starts_writes_its_gallery_only_at_the_end(written):
    pages, may = written
    may.set()
    with BatchGallery("out", {}) as night:
        pass
    assert pages == []
    assert (night.finish(), len(pages)) == ("out/index.html", 1)


@pytest.mark.parametrize("error", [StorageError("the disk is full"), RuntimeError("odd")])
def test_a_gallery_that_cannot_be_written_is_a_warning(monkeypatch, caplog, error):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(night_gallery, "gallery", fail)
    with caplog.at_level(logging.WARNING), BatchGallery("out", {}) as night:
        night(started("a"))
        wait_for(lambda: caplog.messages)
    assert night.finish() == ""
    assert caplog.messages[0].startswith("the gallery cannot be written now")


def test_the_gallery_shows_a_running_job_as_running(rendered, tmp_path):
    claim = FolderLock(JobFolder(str(rendered()))).acquire()
    page = tmp_path / "index.html"
    try:
        with BatchGallery(str(tmp_path), {}) as night:
            night(started("job"))
            wait_for(page.exists)
            text = page.read_text()
    finally:
        claim.release()
    running = '<span class="state" data-state="running">'
    assert running in text
    night.finish()
    assert running not in page.read_text()
