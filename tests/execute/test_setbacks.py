"""What is tried again, elsewhere or otherwise, what is given up, and whom that speaks against."""

import dataclasses

from farm.events import ChunkDone, FramesFailed, ShardRetried
from farm.execute.dispatcher import Dispatcher
from farm.execute.outcome import Cause, Failed
from farm.execute.policy import Policy
from tests.execute.settling import OUT_OF_MEMORY, RENDER, done, finish
from tests.execute.shards import failures, shards


def test_a_failed_chunk_is_tried_again_alone_and_elsewhere(open_dispatcher):
    dispatcher = open_dispatcher(shards("f", chunks=4), "a", "b")
    lease = dispatcher.take("a")
    dispatcher.settle(lease, done(lease))
    dispatcher.settle(lease, RENDER)
    assert [type(event) for event in dispatcher.events()] == [ChunkDone, ShardRetried]
    dispatcher.settle(lease, done(lease))
    dispatcher.settle(lease, done(lease))
    assert dispatcher.take("a") is None
    assert not dispatcher.finished
    again = dispatcher.take("b")
    assert again.shard.attempt == 2
    assert [chunk.index for chunk in again.shard.chunks] == [1]


def test_the_only_worker_tries_its_own_failures_again_until_they_are_given_up(open_dispatcher):
    dispatcher = open_dispatcher(shards("f", chunks=1), "a")
    for _ in range(3):
        dispatcher.settle(dispatcher.take("a"), RENDER)
    assert dispatcher.take("a") is None
    assert dispatcher.finished
    assert failures(list(dispatcher.events())) == [
        FramesFailed(job="job", frames=(0, 1), reason="black", attempts=3)
    ]


def test_a_model_that_does_not_load_fails_every_frame_that_needs_it_at_once(open_dispatcher):
    both = [*shards("f", chunks=8), *shards("g", chunks=4, job="other", size=32)]
    dispatcher = open_dispatcher(both, "a")
    dispatcher.settle(dispatcher.take("a"), Failed(cause=Cause.MODEL, reason="not found", chunks=4))
    finish(dispatcher, "a")
    events = list(dispatcher.events())
    assert [(e.job, e.frames, e.reason, e.attempts) for e in failures(events)] == [
        ("job", tuple(range(8)), "not found", 1),
        ("job", tuple(range(8, 16)), "not found", 0),
    ]
    assert [e.job for e in events if isinstance(e, ChunkDone)] == ["other"] * 4


def test_a_disk_that_stays_full_stops_its_job_and_no_other(open_dispatcher):
    full = Failed(cause=Cause.STORAGE, reason="no space", chunks=4)
    both = [*shards("f", chunks=8), *shards("g", chunks=4, job="other")]
    dispatcher = open_dispatcher(both, "a")
    dispatcher.settle(dispatcher.take("a"), full)
    dispatcher.settle(dispatcher.take("a"), full)
    finish(dispatcher, "a")
    events = list(dispatcher.events())
    assert {e.job for e in failures(events)} == {"job"}
    assert sum(len(e.frames) for e in failures(events)) == 16
    assert [e.job for e in events if isinstance(e, ChunkDone)] == ["other"] * 4


def test_a_worker_is_unfit_when_another_makes_its_failures_good(open_dispatcher):
    dispatcher = open_dispatcher(shards("f", chunks=8), "a", "b")
    bad = dispatcher.take("a")
    for _ in range(3):
        dispatcher.settle(bad, RENDER)
    good = dispatcher.take("b")
    while good.shard.attempt == 2:
        assert dispatcher.unfit("a") is None
        dispatcher.settle(good, done(good))
        good = dispatcher.take("b")
    assert dispatcher.unfit("a") == "set aside after 3 failures in a row that others made good"
    assert dispatcher.unfit("b") is None
    dispatcher.settle(bad, done(bad))  # it can, after all
    assert dispatcher.unfit("a") is None


def test_frames_that_fail_everywhere_speak_against_no_worker(open_dispatcher):
    dispatcher = open_dispatcher(shards("f", chunks=12, per_shard=1), "a", "b")
    while not dispatcher.finished:
        for worker in ("a", "b"):
            if (lease := dispatcher.take(worker)) is not None:
                poison = lease.shard.chunks[0].index < 6
                dispatcher.settle(lease, RENDER if poison else done(lease))
            assert dispatcher.unfit(worker) is None
    assert len(failures(list(dispatcher.events()))) == 6


def test_attempts_count_for_each_cause_apart(open_dispatcher):
    """Two crashes do not use up the one try at full size that memory gets, nor the tries of a failing pipeline."""
    dispatcher = open_dispatcher(shards("f", chunks=1), "a")
    for number, cause in enumerate([Cause.CRASH, Cause.CRASH, Cause.OUT_OF_MEMORY, Cause.RENDER, Cause.FLAW]):
        worker = f"w{number}"
        dispatcher.join(worker)
        lease = dispatcher.take(worker)
        if cause is Cause.CRASH:
            dispatcher.lose(worker, "killed", Cause.CRASH)
        else:
            dispatcher.settle(lease, Failed(cause=cause, reason="why"))
    assert not failures(list(dispatcher.events()))
    lease = dispatcher.take("a")
    assert (lease.shard.attempt, lease.shard.calls_per_chunk, lease.shard.last_try) == (6, 1, True)


def test_memory_that_runs_out_is_tried_at_full_size_elsewhere_and_then_in_halves(open_dispatcher):
    dispatcher = open_dispatcher(shards("f", chunks=1), "a", "b")
    dispatcher.settle(dispatcher.take("a"), OUT_OF_MEMORY)
    assert dispatcher.take("a") is None
    whole = dispatcher.take("b")
    assert (whole.shard.attempt, whole.shard.frames_per_call) == (2, 2)
    dispatcher.settle(whole, OUT_OF_MEMORY)
    half = dispatcher.take("a")
    assert (half.shard.attempt, half.shard.frames_per_call) == (3, 1)
    assert [event.frames_per_call for event in dispatcher.events()] == [None, 1]
    dispatcher.settle(half, OUT_OF_MEMORY)
    assert failures(list(dispatcher.events())) == [
        FramesFailed(job="job", frames=(0, 1), reason="8 GiB wanted", attempts=3)
    ]
    assert dispatcher.take("b") is None
    assert dispatcher.finished


def test_flawed_pictures_are_drawn_once_more_elsewhere_and_then_kept_as_they_come(open_dispatcher):
    dispatcher = open_dispatcher(shards("f", chunks=1), "a", "b")
    dispatcher.settle(dispatcher.take("a"), Failed(cause=Cause.FLAW, reason="frame 1: blank"))
    assert dispatcher.take("a") is None
    lease = dispatcher.take("b")
    assert lease.shard.last_try
    told = dataclasses.replace(done(lease), unusable=(1,))
    dispatcher.settle(lease, told)
    assert list(dispatcher.events())[1:] == [
        told,
        FramesFailed(
            job="job",
            frames=(1,),
            reason="what came is no picture, twice: not all of its values are numbers",
            attempts=2,
        ),
    ]


def test_a_worker_that_cannot_load_the_model_does_not_speak_for_the_others(open_dispatcher):
    dispatcher = open_dispatcher(shards("f", chunks=4), "a", "b")
    dispatcher.settle(dispatcher.take("a"), Failed(cause=Cause.MODEL, reason="bad disk", chunks=4))
    assert dispatcher.take("a") is None
    finish(dispatcher, "b")
    assert dispatcher.take("a") is None
    assert dispatcher.finished
    assert not failures(list(dispatcher.events()))


def test_a_job_that_loses_too_many_frames_is_stopped(open_dispatcher):
    dispatcher = Dispatcher(shards("f", chunks=20, per_shard=2), Policy(max_failed_frames=3))
    dispatcher.join("a")
    while (lease := dispatcher.take("a")) is not None:
        while lease.left:
            dispatcher.settle(lease, RENDER if lease.shard.chunks[0].index in (4, 5) else done(lease))
    failed = failures(list(dispatcher.events()))
    assert [event.reason for event in failed[:2]] == ["black", "black"]
    assert {event.reason for event in failed[2:]} == {
        "the job was stopped: more than 3 frames failed (--max-failed-frames)"
    }
    assert dispatcher.finished


def test_what_failed_waits_for_a_worker_that_is_on_its_way(open_dispatcher):
    dispatcher = open_dispatcher(shards("f", chunks=1), "a")
    dispatcher.expect({"b"})
    dispatcher.settle(dispatcher.take("a"), Failed(cause=Cause.MODEL, reason="bad disk"))
    assert dispatcher.take("a") is None
    dispatcher.expect(())  # it does not come: better the same worker than none
    assert dispatcher.take("a").shard.attempt == 2


def test_a_worker_that_cannot_load_a_model_is_not_asked_to_again_while_others_are_there(open_dispatcher):
    both = [*shards("f", chunks=12), *shards("g", chunks=4, job="other", size=32)]
    dispatcher = open_dispatcher(both, "a", "b")
    dispatcher.settle(dispatcher.take("a"), Failed(cause=Cause.MODEL, reason="bad disk", chunks=4))
    assert dispatcher.take("a") is None
    mine = []
    while (lease := dispatcher.take("b")) is not None:
        while lease.left:
            dispatcher.settle(lease, done(lease))
        if (other := dispatcher.take("a")) is not None:  # another model: that it can try
            mine.append(other.shard.job)
            while other.left:
                dispatcher.settle(other, done(other))
    assert mine == ["other"]
    assert dispatcher.finished


def test_what_is_done_in_halves_does_not_speak_against_who_fails_in_full(open_dispatcher):
    dispatcher = open_dispatcher(shards("f", chunks=5, per_shard=1), "a", "b")
    halves = 0
    while not dispatcher.finished:
        for worker in ("a", "b"):
            if (lease := dispatcher.take(worker)) is not None:
                halves += lease.shard.calls_per_chunk == 2
                dispatcher.settle(lease, OUT_OF_MEMORY if lease.shard.calls_per_chunk == 1 else done(lease))
            assert dispatcher.unfit(worker) is None
    assert halves == 5


def test_the_last_try_stays_the_last_when_it_fails_otherwise(open_dispatcher):
    dispatcher = open_dispatcher(shards("f", chunks=1), "a")
    dispatcher.settle(dispatcher.take("a"), Failed(cause=Cause.FLAW, reason="frame 1: blank"))
    dispatcher.settle(dispatcher.take("a"), RENDER)
    assert dispatcher.take("a").shard.last_try


def test_a_worker_is_not_outdone_in_what_it_never_touched(open_dispatcher):
    """It cannot load one model; frames of that model that a second worker failed on are none of its failures."""
    dispatcher = open_dispatcher(shards("f", chunks=8, per_shard=1), "a", "b", "c")
    dispatcher.settle(dispatcher.take("a"), Failed(cause=Cause.MODEL, reason="bad disk"))
    while (lease := dispatcher.take("b")) is not None:
        dispatcher.settle(lease, RENDER)
    finish(dispatcher, "c")
    assert dispatcher.unfit("a") is None
