"""A run whose folder another run has taken over stops, and writes nothing more."""

import json
import threading
import time

import pytest

from farm.events import ChunkDone
from farm.execute import InlineExecutor
from farm.run import live_pages as effort
from farm.run import live_pages as job_page
from farm.run import prepare, render
from farm.store import JobFolder, lock

CLAIM = ".farm/claim.json"


@pytest.mark.parametrize("when", ["rendering", "assembling"])
def test_a_run_taken_over_while_suspended_writes_no_output(write_manifest, tmp_path, monkeypatch, when):
    job = prepare(write_manifest(frames=41), output_dir=str(tmp_path), procedural=True)
    folder = JobFolder(job.folder.url)
    others = json.dumps({"id": "other", "host": "elsewhere", "renewed": time.time()}).encode()
    monkeypatch.setattr(job_page, "_REFRESH_SECONDS", 0.001)
    monkeypatch.setattr(effort, "_CORE_SHARE", 1.0)
    monkeypatch.setattr(effort, "_CLOCK_SHARE", 1.0)
    done, pages, noticed = [], [], threading.Event()
    if when == "rendering":
        monkeypatch.setattr(lock, "_HEARTBEAT_SECONDS", 0.05)
        heartbeat = lock.FolderLock._heartbeat
        monkeypatch.setattr(lock.FolderLock, "_heartbeat", lambda self: (heartbeat(self), noticed.set()))

    def take_over():
        while not folder.compare_and_swap(CLAIM, folder.read(CLAIM), others):
            """Between two renewals."""
        time.sleep(1.5)  # a page that was in progress when the lock was confirmed
        pages.append(folder.read("report.html"))

    def fall_asleep(event):
        if not isinstance(event, ChunkDone):
            return
        done.extend(event.rows)
        if when == "rendering" and len(done) == 8:
            take_over()
            assert noticed.wait(30)
        if when == "assembling" and len(done) == 41:
            take_over()

    with InlineExecutor() as executor:
        [summary] = render([job], executor, fall_asleep, chunks_per_shard=1)
    assert (summary.state, summary.exit_code) == ("partial", 3)
    assert summary.error == (
        f"{tmp_path}/job-rehearsal: another run has taken over this folder because this run did not renew "
        "its lock in time; finished frames are kept. Let the other run finish, or stop it and run again."
    )
    assert folder.read(CLAIM) == others
    assert folder.names("") == ["manifest.yaml", "report.html"]
    assert folder.read("report.html") == pages[0]
    assert len(folder.names("frames")) == len(done)
    assert len(done) < 20 if when == "rendering" else len(done) == 41
