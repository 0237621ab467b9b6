"""Workers that always fail, that hang, and that run out of memory."""

import psutil
import pyarrow.parquet as pq
import pytest

from farm.cli.render import summary_text
from farm.events import FramesFailed, ShardRetried, WorkerLost
from farm.execute import RetryPolicy
from farm.results.frame_history import frame_history
from farm.store import Ledger
from tests.exhaustive import sample
from tests.guarantees.faults import (
    From,
    InLargeCalls,
    On,
    OnFirstWorker,
    die,
    freeze,
    hang,
    lose_model,
    lose_model_on_first_worker,
    poison,
    run_out_of_memory,
)
from tests.guarantees.films import folder_of
from tests.guarantees.undisturbed import assert_undisturbed

pytestmark = pytest.mark.ray


@pytest.mark.parametrize("action", sample([hang, freeze], of=[freeze], ids=lambda action: action.__name__))
def test_a_hanging_worker_is_dead_before_its_frames_are_handed_out_again(action, film, render_on_ray, diary):
    job, dead = film(), []

    def look(event):
        if isinstance(event, (WorkerLost, ShardRetried)):
            dead.append(not psutil.pid_exists(diary.calls_of(7)[0].pid))

    ran = render_on_ray(job, On(7, action, times=1), policy=RetryPolicy(chunk_timeout=8.0), on_event=look)

    assert_undisturbed(job, ran.code, diary=diary)
    [lost], [retried] = ran.events_of(WorkerLost), ran.events_of(ShardRetried)
    assert lost.reason == "no progress on its chunk for 8 s; the worker was killed"
    assert (retried.frames, retried.attempt) == ((6, 7), 2)
    assert dead == [True, True]


def test_a_frames_history_has_both_the_killed_worker_and_its_successor(film, render_on_ray, diary):
    job = film()
    ran = render_on_ray(job, On(7, die, times=1))

    assert_undisturbed(job, ran.code, diary=diary)
    [lost] = ran.events_of(WorkerLost)
    first, second = frame_history(str(folder_of(job)), 7).attempts
    reason = "its process died (out of memory, or killed)"
    assert (first.attempt, first.worker, first.state, first.cause, first.reason) == (
        1,
        lost.worker,
        "retrying",
        "crash",
        reason,
    )
    assert (second.attempt, second.state, second.run) == (2, "done", first.run)
    assert second.worker != lost.worker
    assert first.started < first.ended < second.ended


def test_a_worker_that_always_fails_is_quarantined_and_no_frame_is_lost(film, render_on_ray, diary):
    job = film(frames=60)
    ran = render_on_ray(job, OnFirstWorker(poison))

    assert_undisturbed(job, ran.code, diary=diary)
    [lost] = ran.events_of(WorkerLost)
    assert lost.reason.startswith("quarantined after ")
    assert lost.reason.endswith(" failures in a row on chunks that other workers rendered")
    assert {event.worker for event in ran.events_of(ShardRetried)} == {lost.worker}


def test_a_single_worker_that_cannot_load_the_model_costs_no_frame(film, render_on_ray, diary):
    job = film()
    ran = render_on_ray(job, loading=lose_model_on_first_worker)

    assert_undisturbed(job, ran.code, diary=diary)
    assert len(diary.pids()) >= 2
    assert set(diary.calls().values()) == {1}


def test_a_model_that_no_worker_can_load_ends_the_run_at_once_with_the_reason(film, render_on_ray, diary):
    job = film(frames=60)
    ran = render_on_ray(job, loading=lose_model)

    summary = assert_undisturbed(job, ran.code, missing=range(60), diary=diary)
    assert summary["failures"] == [{"first": 0, "last": 59, "reason": "its checkpoint cannot be read"}]
    assert (
        "  frames 0-59 missing: its checkpoint cannot be read"
        in summary_text(ran.summary, "out").splitlines()
    )
    assert len(diary.actions("opened")) <= 2 * len(diary.pids())  # of ten shards: loading takes minutes


def test_workers_that_keep_dying_end_the_run_with_the_reason(film, render_on_ray, diary):
    job = film(frames=60)
    ran = render_on_ray(job, From(0, die), policy=RetryPolicy(replacements=1))

    assert_undisturbed(job, ran.code, missing=range(60), diary=diary)
    reason = "no worker is left; the last one: its process died (out of memory, or killed)"
    assert ran.events_of(FramesFailed)[-1].reason == reason
    assert f"  frames 0-59 missing: {reason}" in summary_text(ran.summary, "out").splitlines()
    assert len(diary.pids()) <= 4


def test_memory_that_runs_out_once_leaves_no_frame_in_smaller_calls(film, render_on_ray, diary):
    job = film(batch_size=4)
    ran = render_on_ray(job, On(9, run_out_of_memory, times=1))

    summary = assert_undisturbed(job, ran.code, diary=diary)
    assert summary["remarks"] == []
    assert {row.frames_per_call for row in Ledger(job.folder).rows()} == {4}
    [retried] = ran.events_of(ShardRetried)
    assert (retried.frames, retried.frames_per_call) == ((8, 9, 10, 11), None)


def test_frames_of_smaller_calls_are_reported_if_memory_always_runs_out(film, render_on_ray, diary):
    job = film(frames=60, batch_size=4)
    ran = render_on_ray(job, InLargeCalls(2, run_out_of_memory))

    remark = "rendered 2 in a call instead of 4, because memory ran out; the last bits may differ"
    summary = assert_undisturbed(job, ran.code, diary=diary)
    assert summary["remarks"] == [{"first": 0, "last": 59, "reason": remark}]
    assert f"  frames 0-59: {remark}" in summary_text(ran.summary, "out").splitlines()
    assert {row.frames_per_call for row in Ledger(job.folder).rows()} == {2}
    table = pq.read_table(folder_of(job) / "metadata.parquet")
    assert set(zip(table["batch_size"].to_pylist(), table["frames_per_call"].to_pylist(), strict=True)) == {
        (4, 2)
    }
    assert ran.events_of(WorkerLost) == []
