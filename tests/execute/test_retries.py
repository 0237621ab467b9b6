"""Retries, frames that are given up, and workers that are quarantined."""

import dataclasses

from farm.events import ChunkDone, FramesFailed, ShardRetried
from farm.execute.dispatcher import Dispatcher
from farm.execute.retry_policy import Cause, Failed, RetryPolicy
from tests.execute.outcomes import OUT_OF_MEMORY, RENDER, done, finish, reported
from tests.execute.shards import failures, shards


def test_only_the_failed_chunk_is_retried_on_another_worker(open_dispatcher):
    dispatcher = open_dispatcher(shards("f", chunks=4), "a", "b")
    assignment = dispatcher.next_shard("a")
    dispatcher.record_outcome(assignment, done(assignment))
    dispatcher.record_outcome(assignment, RENDER)
    assert [type(event) for event in reported(dispatcher)] == [ChunkDone, ShardRetried]
    dispatcher.record_outcome(assignment, done(assignment))
    dispatcher.record_outcome(assignment, done(assignment))
    assert dispatcher.next_shard("a") is None
    assert not dispatcher.finished
    again = dispatcher.next_shard("b")
    assert again.shard.attempt == 2
    assert [chunk.index for chunk in again.shard.chunks] == [1]


def test_the_only_worker_retries_its_own_failures_until_they_are_given_up(open_dispatcher):
    dispatcher = open_dispatcher(shards("f", chunks=1), "a")
    for _ in range(3):
        dispatcher.record_outcome(dispatcher.next_shard("a"), RENDER)
    assert dispatcher.next_shard("a") is None
    assert dispatcher.finished
    assert failures(reported(dispatcher)) == [
        FramesFailed(job="job", frames=(0, 1), reason="black", attempts=3)
    ]


def test_a_model_that_does_not_load_fails_every_frame_that_needs_it_at_once(open_dispatcher):
    both = [*shards("f", chunks=8), *shards("g", chunks=4, job="other", size=32)]
    dispatcher = open_dispatcher(both, "a")
    dispatcher.record_outcome(
        dispatcher.next_shard("a"), Failed(cause=Cause.MODEL, reason="not found", chunks=4)
    )
    finish(dispatcher, "a")
    events = reported(dispatcher)
    assert [(e.job, e.frames, e.reason, e.attempts) for e in failures(events)] == [
        ("job", tuple(range(8)), "not found", 1),
        ("job", tuple(range(8, 16)), "not found", 0),
    ]
    assert [e.job for e in events if isinstance(e, ChunkDone)] == ["other"] * 4


def test_a_disk_that_stays_full_stops_only_its_job(open_dispatcher):
    full = Failed(cause=Cause.STORAGE, reason="no space", chunks=4)
    both = [*shards("f", chunks=8), *shards("g", chunks=4, job="other")]
    dispatcher = open_dispatcher(both, "a")
    dispatcher.record_outcome(dispatcher.next_shard("a"), full)
    dispatcher.record_outcome(dispatcher.next_shard("a"), full)
    finish(dispatcher, "a")
    events = reported(dispatcher)
    assert {e.job for e in failures(events)} == {"job"}
    assert sum(len(e.frames) for e in failures(events)) == 16
    assert [e.job for e in events if isinstance(e, ChunkDone)] == ["other"] * 4


def test_a_worker_is_quarantined_when_others_render_its_failed_chunks(open_dispatcher):
    dispatcher = open_dispatcher(shards("f", chunks=8), "a", "b")
    bad = dispatcher.next_shard("a")
    for _ in range(3):
        dispatcher.record_outcome(bad, RENDER)
    good = dispatcher.next_shard("b")
    while good.shard.attempt == 2:
        assert dispatcher.quarantine_reason("a") is None
        dispatcher.record_outcome(good, done(good))
        good = dispatcher.next_shard("b")
    assert (
        dispatcher.quarantine_reason("a")
        == "quarantined after 3 failures in a row on chunks that other workers rendered"
    )
    assert dispatcher.quarantine_reason("b") is None
    dispatcher.record_outcome(bad, done(bad))  # it can, after all
    assert dispatcher.quarantine_reason("a") is None


def test_frames_that_fail_everywhere_count_against_no_worker(open_dispatcher):
    dispatcher = open_dispatcher(shards("f", chunks=12, per_shard=1), "a", "b")
    while not dispatcher.finished:
        for worker in ("a", "b"):
            if (assignment := dispatcher.next_shard(worker)) is not None:
                poison = assignment.shard.chunks[0].index < 6
                dispatcher.record_outcome(assignment, RENDER if poison else done(assignment))
            assert dispatcher.quarantine_reason(worker) is None
    assert len(failures(reported(dispatcher))) == 6


def test_attempts_are_counted_separately_for_each_cause(open_dispatcher):
    """Two crashes use up neither the retry at full size after running out of memory nor those of a failing pipeline."""
    dispatcher = open_dispatcher(shards("f", chunks=1), "a")
    for number, cause in enumerate([Cause.CRASH, Cause.CRASH, Cause.OUT_OF_MEMORY, Cause.RENDER, Cause.FLAW]):
        worker = f"w{number}"
        dispatcher.add_worker(worker)
        assignment = dispatcher.next_shard(worker)
        if cause is Cause.CRASH:
            dispatcher.worker_lost(worker, "killed", Cause.CRASH)
        else:
            dispatcher.record_outcome(assignment, Failed(cause=cause, reason="why"))
    assert not failures(reported(dispatcher))
    assignment = dispatcher.next_shard("a")
    assert (assignment.shard.attempt, assignment.shard.calls_per_chunk, assignment.shard.last_try) == (
        6,
        1,
        True,
    )


def test_out_of_memory_is_retried_at_full_size_on_another_worker_and_then_in_halves(open_dispatcher):
    dispatcher = open_dispatcher(shards("f", chunks=1), "a", "b")
    dispatcher.record_outcome(dispatcher.next_shard("a"), OUT_OF_MEMORY)
    assert dispatcher.next_shard("a") is None
    whole = dispatcher.next_shard("b")
    assert (whole.shard.attempt, whole.shard.frames_per_call) == (2, 2)
    dispatcher.record_outcome(whole, OUT_OF_MEMORY)
    half = dispatcher.next_shard("a")
    assert (half.shard.attempt, half.shard.frames_per_call) == (3, 1)
    assert [event.frames_per_call for event in reported(dispatcher)] == [None, 1]
    dispatcher.record_outcome(half, OUT_OF_MEMORY)
    assert failures(reported(dispatcher)) == [
        FramesFailed(job="job", frames=(0, 1), reason="8 GiB wanted", attempts=3)
    ]
    assert dispatcher.next_shard("b") is None
    assert dispatcher.finished


def test_flawed_pictures_are_rendered_once_more_on_another_worker_and_then_kept(open_dispatcher):
    dispatcher = open_dispatcher(shards("f", chunks=1), "a", "b")
    dispatcher.record_outcome(dispatcher.next_shard("a"), Failed(cause=Cause.FLAW, reason="frame 1: blank"))
    assert dispatcher.next_shard("a") is None
    assignment = dispatcher.next_shard("b")
    assert assignment.shard.last_try
    partly_done = dataclasses.replace(done(assignment), unusable=(1,))
    dispatcher.record_outcome(assignment, partly_done)
    assert reported(dispatcher)[1:] == [
        partly_done,
        FramesFailed(
            job="job",
            frames=(1,),
            reason="the pipeline returned NaN or infinite pixels twice",
            attempts=2,
        ),
    ]


def test_a_worker_that_cannot_load_the_model_does_not_count_for_the_others(open_dispatcher):
    dispatcher = open_dispatcher(shards("f", chunks=4), "a", "b")
    dispatcher.record_outcome(
        dispatcher.next_shard("a"), Failed(cause=Cause.MODEL, reason="bad disk", chunks=4)
    )
    assert dispatcher.next_shard("a") is None
    finish(dispatcher, "b")
    assert dispatcher.next_shard("a") is None
    assert dispatcher.finished
    assert not failures(reported(dispatcher))


def test_a_job_with_too_many_failed_frames_is_stopped(open_dispatcher):
    dispatcher = Dispatcher(shards("f", chunks=20, per_shard=2), RetryPolicy(max_failed_frames=3))
    dispatcher.add_worker("a")
    while (assignment := dispatcher.next_shard("a")) is not None:
        while assignment.remaining:
            dispatcher.record_outcome(
                assignment, RENDER if assignment.shard.chunks[0].index in (4, 5) else done(assignment)
            )
    failed = failures(reported(dispatcher))
    assert [event.reason for event in failed[:2]] == ["black", "black"]
    assert {event.reason for event in failed[2:]} == {
        "the job was stopped: more than 3 frames failed (--max-failed-frames)"
    }
    assert dispatcher.finished


def test_failed_shards_wait_for_a_starting_worker(open_dispatcher):
    dispatcher = open_dispatcher(shards("f", chunks=1), "a")
    dispatcher.workers_starting({"b"})
    dispatcher.record_outcome(dispatcher.next_shard("a"), Failed(cause=Cause.MODEL, reason="bad disk"))
    assert dispatcher.next_shard("a") is None
    dispatcher.workers_starting(())  # it does not start: the same worker is better than none
    assert dispatcher.next_shard("a").shard.attempt == 2


def test_a_worker_that_cannot_load_a_model_does_not_retry_it_while_there_are_others(open_dispatcher):
    both = [*shards("f", chunks=12), *shards("g", chunks=4, job="other", size=32)]
    dispatcher = open_dispatcher(both, "a", "b")
    dispatcher.record_outcome(
        dispatcher.next_shard("a"), Failed(cause=Cause.MODEL, reason="bad disk", chunks=4)
    )
    assert dispatcher.next_shard("a") is None
    mine = []
    while (assignment := dispatcher.next_shard("b")) is not None:
        while assignment.remaining:
            dispatcher.record_outcome(assignment, done(assignment))
        if (other := dispatcher.next_shard("a")) is not None:  # another model: that it can try
            mine.append(other.shard.job)
            while other.remaining:
                dispatcher.record_outcome(other, done(other))
    assert mine == ["other"]
    assert dispatcher.finished


def test_success_in_halves_does_not_count_against_workers_that_failed_at_full_size(open_dispatcher):
    dispatcher = open_dispatcher(shards("f", chunks=5, per_shard=1), "a", "b")
    halves = 0
    while not dispatcher.finished:
        for worker in ("a", "b"):
            if (assignment := dispatcher.next_shard(worker)) is not None:
                halves += assignment.shard.calls_per_chunk == 2
                dispatcher.record_outcome(
                    assignment, OUT_OF_MEMORY if assignment.shard.calls_per_chunk == 1 else done(assignment)
                )
            assert dispatcher.quarantine_reason(worker) is None
    assert halves == 5


def test_the_last_try_stays_the_last_after_a_failure_of_another_cause(open_dispatcher):
    dispatcher = open_dispatcher(shards("f", chunks=1), "a")
    dispatcher.record_outcome(dispatcher.next_shard("a"), Failed(cause=Cause.FLAW, reason="frame 1: blank"))
    dispatcher.record_outcome(dispatcher.next_shard("a"), RENDER)
    assert dispatcher.next_shard("a").shard.last_try


def test_frames_that_a_worker_never_attempted_do_not_count_against_it(open_dispatcher):
    """It cannot load one model; a second worker's failures on frames of that model do not count as its own."""
    dispatcher = open_dispatcher(shards("f", chunks=8, per_shard=1), "a", "b", "c")
    dispatcher.record_outcome(dispatcher.next_shard("a"), Failed(cause=Cause.MODEL, reason="bad disk"))
    while (assignment := dispatcher.next_shard("b")) is not None:
        dispatcher.record_outcome(assignment, RENDER)
    finish(dispatcher, "c")
    assert dispatcher.quarantine_reason("a") is None
