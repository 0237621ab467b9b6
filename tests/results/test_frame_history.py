"""The history of one frame, in the terminal and as JSON."""

import json

import pytest

from farm.events import ChunkStateChanged
from farm.records import HistoryEntry
from farm.results.frame_history import attempts_of
from farm.store import JobFolder, JobHistory, Ledger

MANIFEST = """
version: 1
name: film
model: {pipeline: StableDiffusionPipeline, pretrained: tiny-world}
animation: {kind: circle, prompt: a fish, frames: 10}
render: {batch_size: 4, height: 16, width: 16}
output: {gif: null, mp4: null, contact_sheet: null, report: false}
"""


@pytest.fixture
def film(tmp_path, farm):
    """Render ten frames in chunks of four; return the job's folder."""
    (tmp_path / "film.yaml").write_text(MANIFEST)
    assert farm("render", tmp_path / "film.yaml", "--inline", "--procedural", "-o", tmp_path)[0] == 0
    return tmp_path / "film-rehearsal"


def entry(state, second, *, run="aaaaaaaa", worker="worker-1", attempt=1, **details):
    return HistoryEntry(
        time=f"2026-01-01T00:00:0{second}+00:00",
        run=run,
        chunk=4,
        first=16,
        last=19,
        state=state,
        attempt=attempt,
        worker=worker,
        **details,
    )


def attempts(entries, running=""):
    return [
        (each.run, each.attempt, each.worker, each.started[17:19], each.ended[17:19], each.state)
        for each in attempts_of(entries, running)
    ]


def test_start_and_end_entries_form_one_attempt():
    entries = [
        entry("assigned", 1),
        entry("retrying", 2, cause="crash", reason="killed"),
        entry("assigned", 3, worker="worker-2", attempt=2),
        entry("done", 4, worker="worker-2", attempt=2),
    ]
    assert attempts(entries) == [
        ("aaaaaaaa", 1, "worker-1", "01", "02", "retrying"),
        ("aaaaaaaa", 2, "worker-2", "03", "04", "done"),
    ]


def test_an_attempt_without_an_end_is_assigned_while_its_run_lives_and_interrupted_after_it():
    entries = [entry("assigned", 1), entry("assigned", 2, run="bbbbbbbb")]
    assert [each[-1] for each in attempts(entries, running="bbbbbbbb" + "0" * 24)] == [
        "interrupted",
        "assigned",
    ]
    assert [each[-1] for each in attempts(entries)] == ["interrupted", "interrupted"]


def test_a_chunk_that_is_cancelled_has_no_start():
    assert attempts([entry("cancelled", 1, worker="")]) == [("aaaaaaaa", 1, "", "", "01", "cancelled")]


def test_the_attempts_at_a_frame_are_listed_with_their_workers(film, farm):
    code, out, _ = farm("inspect", film, "--frame", "5")
    [row] = Ledger(JobFolder(str(film))).rows(5, 5)
    first, second, empty, header, attempt = out.splitlines()
    when = row.rendered_at.replace("T", " ")[:19]
    assert (code, empty) == (0, "")
    assert first == "film: frame 5 (chunk 1, frames 4-7): whole"
    assert second == f"frames/frame000005.png, rendered by inline on {row.node}, {when} UTC"
    assert header.split() == ["run", "attempt", "worker", "started", "ended", "result"]
    assert attempt.split()[1:3] == ["1", "inline"]
    assert attempt.split()[-1] == "done"


def test_json_has_cause_and_reason_of_every_attempt(film, farm):
    log = JobHistory(JobFolder(str(film)), "f" * 32, 3)
    facts = {"job": "film-rehearsal", "chunk": 1, "first": 4, "last": 7, "attempt": 1, "worker": "worker-1"}
    log.record(ChunkStateChanged(state="assigned", **facts))
    log.record(ChunkStateChanged(state="failed", cause="crash", reason="its process died", **facts))
    log.close()
    _, out, _ = farm("inspect", film, "--frame", "5", "--json")
    found = json.loads(out)
    assert (found["frame"], found["chunk"], found["first"], found["last"]) == (5, 1, 4, 7)
    assert [each["state"] for each in found["attempts"]] == ["done", "failed"]
    last = found["attempts"][1]
    assert (last["run"], last["worker"], last["cause"], last["reason"]) == (
        "ffffffff",
        "worker-1",
        "crash",
        "its process died",
    )


def test_a_job_of_an_earlier_version_has_no_attempts(film, farm):
    (film / ".farm" / "events.jsonl").unlink()
    _, out, _ = farm("inspect", film, "--frame", "5")
    assert out.splitlines()[-1] == "No attempts are recorded."


def test_a_frame_beyond_the_last_is_refused(film, farm):
    code, _, err = farm("inspect", film, "--frame", "10")
    assert (code, err.strip()) == (2, "--frame 10: the frames of this job are 0 to 9.")
