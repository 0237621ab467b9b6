"""An object store that fails occasionally costs no frame and leaves none twice."""

import json
import re
import threading
from contextlib import nullcontext

import pytest

from farm.events import ChunkDone
from farm.execute import InlineExecutor
from farm.run import prepare, render
from farm.store import FolderLock, JobFolder, Ledger, file_name, is_intact, retries
from tests.exhaustive import sample
from tests.s3 import BUCKET, INTERNAL_ERROR, faulty_store

OUT = f"s3://{BUCKET}/out"
JOB = f"{OUT}/job-rehearsal"
FRAMES = 13


@pytest.fixture
def store(monkeypatch):
    with faulty_store(monkeypatch) as store:
        yield store


def run(path, output_dir, *, executor=None, on_event=lambda event: None):
    job = prepare(path, output_dir=str(output_dir), procedural=True)
    with nullcontext(executor) if executor else InlineExecutor() as opened:
        [summary] = render([job], opened, on_event)
    return summary


def digests(url):
    """Return the content digests of a job's frames, each with one row and one intact file."""
    folder = JobFolder(str(url))
    rows = list(Ledger(folder).rows())
    assert [row.frame for row in rows] == list(range(FRAMES))
    assert all(is_intact(folder, row) for row in rows)
    return [(row.recipe_digest, row.content_sha256, row.file_sha256) for row in rows]


@pytest.fixture
def undisturbed(write_manifest, tmp_path):
    run(write_manifest(frames=FRAMES), tmp_path / "undisturbed")
    return digests(tmp_path / "undisturbed" / "job-rehearsal")


def assert_complete(store, undisturbed):
    store.heal()
    assert digests(JOB) == undisturbed
    prefix = "out/job-rehearsal"
    keys = store.keys()
    assert any(key.startswith(f"{prefix}/.farm/events/") for key in keys)
    assert sorted(key for key in keys if "/.farm/events/" not in key) == sorted(
        [
            *(f"{prefix}/{file_name(index)}" for index in range(FRAMES)),
            *(
                f"{prefix}/.farm/ledger/frame{first:06d}-{min(first + 3, 12):06d}.jsonl"
                for first in (0, 4, 8, 12)
            ),
            *(f"{prefix}/{name}" for name in ("manifest.yaml", "metadata.parquet", "summary.json")),
            *(f"{prefix}/{name}" for name in ("job.gif", "job.mp4", "contact_sheet.png")),
            *(f"{prefix}/{name}" for name in ("report.html", "preview.webp")),
        ]
    )
    assert json.loads(JobFolder(JOB).read("summary.json"))["state"] == "done"


@pytest.mark.parametrize("seed", sample([1, 2, 3], of=[1]))
def test_faults_of_every_kind_cost_no_frame(write_manifest, store, undisturbed, seed):
    store.fail_at_random(0.2, seed)
    summary = run(write_manifest(frames=FRAMES), OUT)
    assert len(store.faults) > 3
    assert (summary.state, summary.frames.rendered, summary.frames.failed) == ("done", FRAMES, 0)
    assert {share.name: share.frames for share in summary.workers} == {"inline": FRAMES}
    assert_complete(store, undisturbed)


@pytest.mark.ray
@pytest.mark.slow
def test_faults_in_worker_processes_cost_no_frame(shared_ray, write_manifest, store, undisturbed):
    from farm.execute.ray.executor import RayExecutor

    shared_ray.close()  # its processes know nothing of the store
    store.fail_at_random(0.1, seed=5)
    with RayExecutor(workers=2) as executor:
        summary = run(write_manifest(frames=FRAMES), OUT, executor=executor)
    assert len(store.faults) > 1
    assert (summary.state, summary.frames.rendered) == ("done", FRAMES)
    assert_complete(store, undisturbed)


def test_a_store_that_stays_down_ends_the_run_with_the_reason_and_the_next_run_resumes(
    write_manifest, store, undisturbed, monkeypatch
):
    monkeypatch.setattr(retries, "_RETRY_SECONDS", 0.3)
    path = write_manifest(frames=FRAMES)

    def go_down_after_the_first(event):
        if isinstance(event, ChunkDone):
            store.next_fault = lambda method, path: INTERNAL_ERROR

    summary = run(path, OUT, on_event=go_down_after_the_first)
    assert (summary.state, summary.exit_code) == ("partial", 3)
    [reason] = {failed.reason for failed in summary.failures}
    message = r"cannot (read|write): InternalError\. Finished frames are kept; run again when the store is available\."
    assert re.fullmatch(rf"{JOB}/\S+: {message}", reason)  # while checking the lock, or writing its files
    store.heal()
    assert JobFolder(JOB).exists("frames/frame000003.png")
    again = run(path, OUT)
    assert (again.state, again.frames.kept) == ("done", summary.frames.rendered)
    assert again.frames.kept >= 4
    assert_complete(store, undisturbed)


def test_a_store_that_is_down_at_the_start_is_not_mistaken_for_an_empty_one(
    write_manifest, store, undisturbed, monkeypatch
):
    monkeypatch.setattr(retries, "_RETRY_SECONDS", 0.3)
    path = write_manifest(frames=FRAMES)
    run(path, OUT)
    store.next_fault = lambda method, path: INTERNAL_ERROR if "/frames/" in path and method == "GET" else None
    summary = run(path, OUT)
    assert (summary.state, summary.frames.rendered) == ("failed", 0)
    assert "cannot read: InternalError. Finished frames are kept" in summary.error
    store.heal()
    assert run(path, OUT).frames.rendered == 0
    assert_complete(store, undisturbed)


def test_one_of_two_concurrent_runs_is_refused_despite_faults(store):
    store.fail_at_random(0.2, seed=8)
    held, refused, gate = [], [], threading.Barrier(3)

    def race():
        gate.wait()
        try:
            held.append(FolderLock(JobFolder(JOB)).acquire())
        except Exception as error:
            refused.append(str(error))

    racers = [threading.Thread(target=race) for _ in range(3)]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join()
    assert (len(held), len(refused)) == (1, 2)
    assert all("another run has locked this folder" in text for text in refused)
    held[0].release()
    store.heal()
    assert store.keys() == []
