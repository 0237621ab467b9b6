"""The page of a running job: rewritten as frames arrive, within its share of time, while the run holds the folder."""

import itertools
import re
import time

import pytest

from farm.events import ChunkDone
from farm.execute import InlineExecutor
from farm.run import live_pages as effort
from farm.run import live_pages as job_page
from farm.run import prepare, render
from farm.store import JobFolder


@pytest.fixture
def pages(monkeypatch):
    """Collect the written pages: whether of a running job, their number of frames, and their refresh interval."""
    written = []

    def write(folder, data, strip):
        written.append((data.state, len(data.frames), data.refresh_seconds))

    monkeypatch.setattr(job_page, "write_report", write)
    return written


@pytest.fixture
def run(write_manifest, tmp_path):
    def run(on_event=lambda event: None, frames=41):
        job = prepare(write_manifest(frames=frames), output_dir=str(tmp_path), procedural=True)
        with InlineExecutor() as executor:
            [summary] = render([job], executor, on_event, chunks_per_shard=1)
        return summary

    return run


def wait(event):
    if isinstance(event, ChunkDone):
        time.sleep(0.05)


def test_the_page_is_rewritten_repeatedly_while_frames_arrive(run, pages, monkeypatch):
    monkeypatch.setattr(job_page, "_REFRESH_SECONDS", 0.01)
    monkeypatch.setattr(effort, "_CORE_SHARE", 1.0)
    monkeypatch.setattr(effort, "_CLOCK_SHARE", 1.0)
    run(wait)
    *running, last = pages
    assert len(running) >= 4
    assert {state for state, *_ in running} == {"running"}
    counts = [count for _, count, _ in running]
    assert counts == sorted(counts)
    assert counts[0] < counts[-1] <= 41
    assert {seconds >= 0.01 for *_, seconds in running} == {True}
    assert last == ("done", 41, 0.0)


def test_writing_pages_takes_no_more_than_its_share_of_the_time(run, monkeypatch):
    began, written, announced = time.monotonic(), [], []

    def write(folder, data, strip):
        if data.state == "running":
            until = time.thread_time() + 0.1
            while time.thread_time() < until:
                """At work."""
            written.append(time.monotonic() - began)
            announced.append(data.refresh_seconds)

    monkeypatch.setattr(job_page, "write_report", write)
    monkeypatch.setattr(job_page, "_REFRESH_SECONDS", 0.01)
    monkeypatch.setattr(effort, "_CORE_SHARE", 0.2)
    monkeypatch.setattr(effort, "_CLOCK_SHARE", 0.2)
    run(wait, frames=81)
    pauses = [after - before for before, after in itertools.pairwise(written)]
    assert pauses, "there was time for a second page"
    assert min(pauses) >= 0.5, "0.1 s are a fifth of 0.5 s"
    assert all(seconds >= 0.5 for seconds in announced[1:]), (
        "a page loads itself again no sooner than it is written"
    )


def test_no_running_page_is_written_after_close(run, pages, monkeypatch, tmp_path, write_manifest):
    job = prepare(write_manifest(), output_dir=str(tmp_path), procedural=True)
    page = job_page.JobPage(job.plan, JobFolder(job.folder.url), lambda: None)
    page.close()
    page.refresh(None, lambda: None)
    assert pages == []


def test_the_page_on_disk_reloads_itself_only_while_the_job_runs(run, monkeypatch, tmp_path):
    monkeypatch.setattr(job_page, "_REFRESH_SECONDS", 0.5)
    seen = []

    def watch(event):
        wait(event)
        page = tmp_path / "job-rehearsal" / "report.html"
        if isinstance(event, ChunkDone) and page.exists():
            seen.append(re.search(r'"refresh":([\d.]+)', page.read_text())[1])

    run(watch)
    assert min(map(float, seen)) == 0.5
    assert '"refresh":0,' in (tmp_path / "job-rehearsal" / "report.html").read_text()
