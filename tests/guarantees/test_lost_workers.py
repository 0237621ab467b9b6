"""Workers that are killed, during their work and after it."""

import os
import signal
import threading

import pytest

from farm.events import ShardRetried, WorkerLost
from farm.store import Ledger
from tests.guarantees.faults import Await, On, die, die_at_next_rename, hang
from tests.guarantees.films import folder_of
from tests.guarantees.undisturbed import assert_undisturbed, wait_for

pytestmark = pytest.mark.ray

DIED = "its process died (out of memory, or killed)"


def test_a_worker_killed_during_a_chunk_costs_no_frame(film, render_on_ray, diary):
    job = film()

    def kill():
        wait_for(lambda: diary.calls_of(7), "a worker at frame 7")
        os.kill(diary.calls_of(7)[0].pid, signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    ran = render_on_ray(job, On(7, hang, times=1))  # it would never resume by itself
    killer.join()

    assert_undisturbed(job, ran.code, diary=diary)
    [lost], [retried] = ran.events_of(WorkerLost), ran.events_of(ShardRetried)
    assert (lost.reason, retried.frames, retried.attempt) == (DIED, (6, 7), 2)
    calls = diary.calls()
    assert calls.pop((6, 7)) == 2
    assert set(calls.values()) == {1}


def test_unreported_frames_of_a_dead_worker_are_not_rendered_again(film, render_on_ray, diary):
    job = film()
    part = folder_of(job) / ".farm" / "ledger" / "frame000006-000007.jsonl"
    rows = {}

    def keep_rows(event):
        if isinstance(event, WorkerLost):
            rows.update({row.frame: row.rendered_at for row in Ledger(job.folder).rows()})

    # Frames 6 and 7 are written while 8 and 9 are drawn, and reported after that.
    ran = render_on_ray(job, On(8, Await(part, die), times=1), on_event=keep_rows)

    assert_undisturbed(job, ran.code, diary=diary)
    [lost], [retried] = ran.events_of(WorkerLost), ran.events_of(ShardRetried)
    assert (lost.reason, retried.frames) == (DIED, (8, 9))
    assert {6, 7} <= set(rows)
    now = {row.frame: row.rendered_at for row in Ledger(job.folder).rows()}
    assert {frame: now[frame] for frame in rows} == rows
    calls = diary.calls()
    assert calls.pop((8, 9)) == 2
    assert set(calls.values()) == {1}


def test_a_worker_that_dies_while_writing_leaves_no_partial_files(film, render_on_ray, diary):
    job, halves = film(), []

    def look(event):
        if isinstance(event, WorkerLost):
            halves.extend((folder_of(job) / "frames").glob(".tmp-*.png"))

    ran = render_on_ray(job, On(7, die_at_next_rename, times=1), on_event=look)

    assert halves  # the dead worker's, and one that the other may be writing
    assert_undisturbed(job, ran.code, diary=diary)
    assert len(ran.events_of(WorkerLost)) == 1
