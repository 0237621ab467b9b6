import dataclasses
from collections import deque

import pytest

from farm.events import ChunkDone, FramesFailed, ShardRetried, WorkerLost
from farm.execute.dispatcher import Dispatcher
from farm.execute.outcome import Cause, Failed
from farm.execute.policy import Policy
from tests.execute.shards import failures, shards

RENDER = Failed(cause=Cause.RENDER, reason="black")


def done(lease):
    return ChunkDone(job=lease.shard.job, worker=lease.worker, rows=(), seconds=0.0)


@pytest.fixture
def open_dispatcher():
    def build(cut, *workers, committed=lambda shard, worker: {}):
        dispatcher = Dispatcher(cut, Policy(), committed=committed)
        for worker in workers:
            dispatcher.join(worker)
        return dispatcher

    return build


def finish(dispatcher, worker):
    """Let a worker do all there is for it, without failing."""
    while (lease := dispatcher.take(worker)) is not None:
        while lease.left:
            dispatcher.settle(lease, done(lease))


def test_shards_are_pulled_only_when_a_worker_can_take_one(open_dispatcher):
    pulled = []

    def cut():
        for shard in shards("f"):
            pulled.append(shard)
            yield shard

    dispatcher = open_dispatcher(cut(), "a")
    assert pulled == []
    lease = dispatcher.take("a")
    assert dispatcher.take("a") is None
    for _ in range(3):
        dispatcher.settle(lease, done(lease))
    assert len(pulled) == 1
    assert dispatcher.take("a") is not None  # one chunk is left to it: time to ask for more
    assert len(pulled) == 2


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


def test_an_empty_shard_is_no_work(open_dispatcher):
    [whole] = shards("f", chunks=1)
    dispatcher = open_dispatcher([dataclasses.replace(whole, chunks=()), whole], "a")
    finish(dispatcher, "a")
    assert dispatcher.finished
    assert [type(event) for event in dispatcher.events()] == [ChunkDone]


def test_a_crash_blames_the_chunk_at_hand_and_no_other(open_dispatcher):
    dispatcher = open_dispatcher(shards("f", chunks=4), "a", "b")
    lease = dispatcher.take("a")
    dispatcher.settle(lease, done(lease))
    dispatcher.lose("a", "killed", Cause.CRASH)
    lost, retried = [event for event in dispatcher.events() if not isinstance(event, ChunkDone)]
    assert lost == WorkerLost(worker="a", reason="killed")
    assert (retried.frames, retried.attempt) == ((2, 3), 2)
    rest, suspect = dispatcher.take("b"), None
    while rest.left:
        dispatcher.settle(rest, done(rest))
    suspect = dispatcher.take("b")
    assert ([chunk.index for chunk in rest.shard.chunks], rest.shard.attempt) == ([2, 3], 1)
    assert ([chunk.index for chunk in suspect.shard.chunks], suspect.shard.attempt) == ([1], 2)


def test_what_a_lost_worker_committed_is_not_rendered_again(open_dispatcher):
    event = ChunkDone(job="job", worker="a", rows=(), seconds=1.0)
    dispatcher = open_dispatcher(shards("f", chunks=2), "a", "b", committed=lambda shard, worker: {0: event})
    dispatcher.take("a")
    dispatcher.lose("a", "killed", Cause.CRASH)
    events = list(dispatcher.events())
    assert events[1] == event
    assert events[2].frames == (2, 3)


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


def test_a_worker_that_is_set_aside_leaves_no_blame(open_dispatcher):
    dispatcher = open_dispatcher(shards("f", chunks=4), "a", "b")
    dispatcher.take("a")
    dispatcher.lose("a", "set aside", None)
    assert dispatcher.take("b").shard.attempt == 1


def test_without_workers_the_rest_is_given_up_with_the_reason(open_dispatcher):
    dispatcher = open_dispatcher(shards("f", chunks=8), "a")
    dispatcher.take("a")
    dispatcher.lose("a", "killed", Cause.CRASH)
    dispatcher.abandon("no worker is left")
    assert dispatcher.finished
    assert sum(len(event.frames) for event in failures(list(dispatcher.events()))) == 16


def test_every_frame_is_told_once_whatever_fails(open_dispatcher):
    """A fixed but irregular pattern of failures and crashes: each chunk ends done or given up, never both."""
    dispatcher = open_dispatcher(shards("f", chunks=50, per_shard=3), "w0")
    told, leases, workers, step = [], {"w0": deque()}, 1, 0
    while not dispatcher.finished:
        step += 1
        assert step < 2000
        worker = list(leases)[step % len(leases)]
        while (lease := dispatcher.take(worker)) is not None:
            leases[worker].append(lease)
        if leases[worker]:
            lease = leases[worker][0]
            if step % 7 == 0:
                del leases[worker]
                dispatcher.lose(worker, "killed", Cause.CRASH)
            elif step % 5 == 0:
                dispatcher.settle(lease, RENDER)
            else:
                told.extend(frame.index for frame in lease.left[0].frames)
                dispatcher.settle(lease, done(lease))
            if worker in leases and not lease.left:
                leases[worker].popleft()
        while len(leases) < 3:
            name = f"w{workers}"
            workers += 1
            leases[name] = deque()
            dispatcher.join(name)
    told += [index for event in failures(list(dispatcher.events())) for index in event.frames]
    assert sorted(told) == list(range(100))


OUT_OF_MEMORY = Failed(cause=Cause.OUT_OF_MEMORY, reason="8 GiB wanted")


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


def test_frames_of_a_process_that_does_not_end_are_given_up(open_dispatcher):
    dispatcher = open_dispatcher(shards("f", chunks=4), "a", "b")
    dispatcher.take("a")
    dispatcher.forsake("a", "it hangs, but its process does not end")
    assert dispatcher.take("b") is None
    assert [event.frames for event in failures(list(dispatcher.events()))] == [tuple(range(8))]


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


def test_a_crash_blames_one_chunk_however_many_shards_the_worker_held(open_dispatcher):
    dispatcher = open_dispatcher(shards("f", chunks=4, per_shard=2), "a", "b")
    first = dispatcher.take("a")
    dispatcher.settle(first, done(first))
    dispatcher.take("a")
    dispatcher.lose("a", "killed", Cause.CRASH)
    finish(dispatcher, "b")
    told = list(dispatcher.events())
    assert [event.frames for event in told if isinstance(event, ShardRetried)] == [(2, 3)]
    assert dispatcher.finished


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


def test_what_a_process_that_does_not_end_had_committed_is_there(open_dispatcher):
    event = ChunkDone(job="job", worker="a", rows=(), seconds=1.0)
    dispatcher = open_dispatcher(shards("f", chunks=2), "a", "b", committed=lambda shard, worker: {0: event})
    dispatcher.take("a")
    dispatcher.forsake("a", "it does not end")
    assert [type(told) for told in dispatcher.events()] == [WorkerLost, ChunkDone, FramesFailed]
