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
from tests.guarantees.undisturbed import assert_as_if_undisturbed

pytestmark = pytest.mark.ray


@pytest.mark.parametrize("deed", sample([hang, freeze], of=[freeze], ids=lambda deed: deed.__name__))
def test_a_worker_that_hangs_is_dead_before_its_frames_are_given_out_again(deed, film, render_on_ray, diary):
    job, dead = film(), []

    def look(event):
        if isinstance(event, (WorkerLost, ShardRetried)):
            dead.append(not psutil.pid_exists(diary.calls_of(7)[0].pid))

    ran = render_on_ray(job, On(7, deed, times=1), policy=RetryPolicy(chunk_timeout=15.0), tell=look)

    assert_as_if_undisturbed(job, ran.code, diary=diary)
    [lost], [retried] = ran.told(WorkerLost), ran.told(ShardRetried)
    assert lost.reason == "no progress on its chunk for 15 s; the worker was killed"
    assert (retried.frames, retried.attempt) == ((6, 7), 2)
    assert dead == [True, True]


def test_a_killed_worker_and_its_successor_are_both_in_the_history_of_the_frame(film, render_on_ray, diary):
    job = film()
    ran = render_on_ray(job, On(7, die, times=1))

    assert_as_if_undisturbed(job, ran.code, diary=diary)
    [lost] = ran.told(WorkerLost)
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


def test_a_worker_that_always_fails_is_set_aside_and_no_frame_is_lost(film, render_on_ray, diary):
    job = film(frames=60)
    ran = render_on_ray(job, OnFirstWorker(poison))

    assert_as_if_undisturbed(job, ran.code, diary=diary)
    [lost] = ran.told(WorkerLost)
    assert lost.reason.startswith("quarantined after ")
    assert lost.reason.endswith(" failures in a row on chunks that other workers rendered")
    assert {event.worker for event in ran.told(ShardRetried)} == {lost.worker}


def test_a_worker_that_alone_cannot_load_the_model_costs_no_frame(film, render_on_ray, diary):
    job = film()
    ran = render_on_ray(job, loading=lose_model_on_first_worker)

    assert_as_if_undisturbed(job, ran.code, diary=diary)
    assert len(diary.pids()) >= 2
    assert set(diary.calls().values()) == {1}


def test_a_model_that_no_worker_can_load_ends_the_run_at_once_with_the_reason(film, render_on_ray, diary):
    job = film(frames=60)
    ran = render_on_ray(job, loading=lose_model)

    said = assert_as_if_undisturbed(job, ran.code, missing=range(60), diary=diary)
    assert said["failures"] == [{"first": 0, "last": 59, "reason": "its checkpoint cannot be read"}]
    assert (
        "  frames 0-59 missing: its checkpoint cannot be read"
        in summary_text(ran.summary, "out").splitlines()
    )
    assert len(diary.deeds("opened")) <= 2 * len(diary.pids())  # of ten shards: loading takes minutes


def test_workers_that_cannot_live_end_the_run_with_the_reason(film, render_on_ray, diary):
    job = film(frames=60)
    ran = render_on_ray(job, From(0, die), policy=RetryPolicy(replacements=1))

    assert_as_if_undisturbed(job, ran.code, missing=range(60), diary=diary)
    reason = "no worker is left; the last one: its process died (out of memory, or killed)"
    assert ran.told(FramesFailed)[-1].reason == reason
    assert f"  frames 0-59 missing: {reason}" in summary_text(ran.summary, "out").splitlines()
    assert len(diary.pids()) <= 4


def test_memory_that_runs_out_once_leaves_nothing_in_half_batches(film, render_on_ray, diary):
    job = film(batch_size=4)
    ran = render_on_ray(job, On(9, run_out_of_memory, times=1))

    said = assert_as_if_undisturbed(job, ran.code, diary=diary)
    assert said["remarks"] == []
    assert {row.frames_per_call for row in Ledger(job.folder).rows()} == {4}
    [retried] = ran.told(ShardRetried)
    assert (retried.frames, retried.frames_per_call) == ((8, 9, 10, 11), None)


def test_memory_that_always_runs_out_is_made_do_with_in_half_batches_told_apart(film, render_on_ray, diary):
    job = film(frames=60, batch_size=4)
    ran = render_on_ray(job, InLargeCalls(2, run_out_of_memory))

    remark = "rendered 2 in a call instead of 4, because memory ran out; last bits may be others"
    said = assert_as_if_undisturbed(job, ran.code, diary=diary)
    assert said["remarks"] == [{"first": 0, "last": 59, "reason": remark}]
    assert f"  frames 0-59: {remark}" in summary_text(ran.summary, "out").splitlines()
    assert {row.frames_per_call for row in Ledger(job.folder).rows()} == {2}
    table = pq.read_table(folder_of(job) / "metadata.parquet")
    assert set(zip(table["batch_size"].to_pylist(), table["frames_per_call"].to_pylist(), strict=True)) == {
        (4, 2)
    }
    assert ran.told(WorkerLost) == []
