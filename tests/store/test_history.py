"""The history of a job's chunks, on a disk and in an object store; its failures have no other effect."""

import json
import logging
import os
import threading
import uuid
from pathlib import Path

import pytest

from farm.errors import StorageError
from farm.events import ChunkStateChanged
from farm.store import JobFolder, JobHistory, history, history_of

FULL = Path("/dev/full")
RUN = "0123456789abcdef"


def change(chunk, state="assigned", *, frames=4, **details):
    first = chunk * frames
    return ChunkStateChanged(
        job="job", chunk=chunk, first=first, last=first + frames - 1, state=state, attempt=1, **details
    )


def recorded(folder, *changes, run=RUN, chunks=100):
    log = JobHistory(folder, run, chunks)
    for each in changes:
        log.record(each)
    log.close()


def entries(folder, frame, chunks=100):
    return list(history_of(folder, frame, chunks=chunks))


@pytest.fixture(params=["disk", "store"])
def folder(request, tmp_path):
    return JobFolder(str(tmp_path) if request.param == "disk" else f"memory://{uuid.uuid4().hex}")


def test_the_entries_of_a_frame_are_those_of_its_chunk_over_all_runs_in_order(folder):
    failed = {"worker": "worker-1", "cause": "crash", "reason": "its process died"}
    recorded(folder, change(3), change(4, worker="worker-1"), change(4, "retrying", **failed))
    recorded(folder, change(5, "done"), change(4, "done", worker="worker-2"), run="f" * 32)
    assert [
        (entry.run, entry.state, entry.worker, entry.cause, entry.reason) for entry in entries(folder, 17)
    ] == [
        ("01234567", "assigned", "worker-1", "", ""),
        ("01234567", "retrying", "worker-1", "crash", "its process died"),
        ("ffffffff", "done", "worker-2", "", ""),
    ]
    assert [(entry.chunk, entry.first, entry.last, entry.attempt) for entry in entries(folder, 17)] == [
        (4, 16, 19, 1)
    ] * 3
    assert entries(folder, 0) == []


def test_a_job_without_a_history_has_no_entries(folder):
    assert entries(folder, 0) == []


def test_a_line_omits_inapplicable_fields(tmp_path):
    recorded(JobFolder(str(tmp_path)), change(0))
    [line] = (tmp_path / ".farm" / "events.jsonl").read_text().splitlines()
    content = json.loads(line)
    assert content.pop("time").endswith("+00:00")
    assert content == {
        "run": "01234567",
        "chunk": 0,
        "first": 0,
        "last": 3,
        "state": "assigned",
        "attempt": 1,
    }


def test_lines_are_on_the_disk_while_the_run_lasts(tmp_path, monkeypatch):
    monkeypatch.setattr(history._FileSink, "interval", 0.0)
    written = threading.Event()
    write = history._FileSink.write

    def announced(self, lines):
        write(self, lines)
        written.set()

    monkeypatch.setattr(history._FileSink, "write", announced)
    folder = JobFolder(str(tmp_path))
    log = JobHistory(folder, RUN, 100)
    log.record(change(0))
    assert written.wait(60)
    assert [entry.state for entry in entries(folder, 0)] == ["assigned"]
    log.close()


def test_events_after_the_end_are_ignored(folder):
    log = JobHistory(folder, RUN, 100)
    log.close()
    log.record(change(0))
    log.close()
    assert entries(folder, 0) == []


def test_a_chunk_takes_the_same_few_bytes_whatever_its_index(tmp_path):
    recorded(
        JobFolder(str(tmp_path)), *(change(number, "done", worker="worker-1") for number in range(1000, 2000))
    )
    assert (tmp_path / ".farm" / "events.jsonl").stat().st_size == 1000 * 158


def test_a_store_gets_one_object_for_the_lines_of_a_minute():
    folder = JobFolder(f"memory://{uuid.uuid4().hex}")
    recorded(folder, *(change(number) for number in range(100)))
    [name] = folder.names(".farm/events")
    assert name.endswith("-01234567-000000.jsonl")
    assert [entry.chunk for entry in entries(folder, 399)] == [99]


def test_only_the_latest_objects_of_a_store_are_kept(monkeypatch):
    monkeypatch.setattr(history, "_MAX_OBJECTS", 2)
    folder = JobFolder(f"memory://{uuid.uuid4().hex}")
    for hour in range(4):
        folder.write(f".farm/events/20260101T0{hour}0000-01234567-000000.jsonl", b"")
    recorded(folder, change(0))
    names = folder.names(".farm/events")
    assert [name[:11] for name in names[:2]] == ["20260101T02", "20260101T03"]
    assert len(names) == 3


def test_a_full_file_is_kept_once_and_then_replaced(tmp_path, monkeypatch):
    monkeypatch.setattr(history, "_MIN_BYTES", 1000)
    folder = JobFolder(str(tmp_path))
    for number in range(20):
        recorded(folder, change(0, "done", worker=f"worker-{number}"), chunks=0)
    found = [entry.worker for entry in entries(folder, 0, chunks=0)]
    assert found == [f"worker-{number}" for number in range(20)][-len(found) :]
    assert 6 <= len(found) <= 13
    assert sorted(path.name for path in (tmp_path / ".farm").iterdir()) == ["events-1.jsonl", "events.jsonl"]


def test_an_unfinished_line_of_a_killed_run_damages_no_other(tmp_path, caplog):
    folder = JobFolder(str(tmp_path))
    recorded(folder, change(0))
    with (tmp_path / ".farm" / "events.jsonl").open("a") as file:
        file.write('{"time": "2026-')
    recorded(folder, change(0, "done"))
    assert [entry.state for entry in entries(folder, 0)] == ["assigned", "done"]
    assert caplog.messages == [f"{tmp_path}/.farm/events.jsonl: 1 damaged lines were ignored"]


@pytest.mark.parametrize(
    "line",
    [
        b'{"first": 0, "last": 3, "state": "done"}',
        b'{"time": "x", "run": "", "chunk": 0, "first": 0, "last": 3, "state": "done", "attempt": 1}',
        b'{"time": "2026-01-01", "run": "", "chunk": 0, "first": 0, "last": 3, "state": "lost", "attempt": 1}',
        b"[" * 5000,
        b"\xff\0",
        b"x" * 10**6,
    ],
)
def test_an_invalid_line_is_ignored_with_a_warning(tmp_path, line, caplog):
    folder = JobFolder(str(tmp_path))
    recorded(folder, change(0))
    with (tmp_path / ".farm" / "events.jsonl").open("ab") as file:
        file.write(line + b"\n")
    recorded(folder, change(0, "done"))
    assert [entry.state for entry in entries(folder, 0)] == ["assigned", "done"]
    assert caplog.messages == [f"{tmp_path}/.farm/events.jsonl: 1 damaged lines were ignored"]


def test_a_reason_is_one_line_of_bounded_length(tmp_path):
    folder = JobFolder(str(tmp_path))
    recorded(folder, change(0, "failed", reason="a\nb" + "c" * 10_000))
    [entry] = entries(folder, 0)
    assert entry.reason == "a b" + "c" * 497


def test_a_history_that_is_a_link_is_neither_written_nor_read(tmp_path, caplog):
    target = tmp_path / "target"
    target.write_text("")
    (tmp_path / "job" / ".farm").mkdir(parents=True)
    (tmp_path / "job" / ".farm" / "events.jsonl").symlink_to(target)
    folder = JobFolder(str(tmp_path / "job"))
    recorded(folder, change(0))
    assert target.read_text() == ""
    [warning] = caplog.messages
    assert "the history of this run is no longer recorded" in warning
    assert "is a symbolic link; links are not followed here" in warning
    with pytest.raises(StorageError, match="is a symbolic link"):
        entries(folder, 0)


def test_a_history_that_is_a_pipe_does_not_block(tmp_path, caplog):
    (tmp_path / ".farm").mkdir()
    os.mkfifo(tmp_path / ".farm" / "events.jsonl")
    recorded(JobFolder(str(tmp_path)), change(0))
    assert "it is not a regular file" in caplog.text


def test_a_disk_that_is_full_ends_the_history_with_one_warning(tmp_path, caplog, monkeypatch):
    monkeypatch.setattr(JobFolder, "open_append", lambda self, name: FULL.open("wb", buffering=0))
    recorded(JobFolder(str(tmp_path)), change(0), change(1))
    assert caplog.messages == [
        f"{tmp_path}/.farm/events.jsonl: the history of this run is no longer recorded: "
        "[Errno 28] No space left on device"
    ]


def test_a_store_that_is_down_ends_the_history_with_one_warning(monkeypatch, caplog):
    def down(self, name, data):
        raise StorageError("no answer")

    folder = JobFolder(f"memory://{uuid.uuid4().hex}")
    monkeypatch.setattr(JobFolder, "write", down)
    with caplog.at_level(logging.WARNING):
        recorded(folder, change(0))
    assert caplog.messages == [
        f"{folder.path('.farm/events.jsonl')}: the history of this run is no longer recorded: no answer"
    ]
