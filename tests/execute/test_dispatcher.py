"""The distribution of shards, and the work of lost workers."""

import dataclasses
from collections import deque

from farm.events import ChunkDone, ChunkStateChanged, FramesFailed, ShardRetried, WorkerLost
from farm.execute.retry_policy import Cause
from tests.execute.outcomes import RENDER, done, finish, reported
from tests.execute.shards import failures, shards


def test_shards_are_pulled_only_when_a_worker_can_take_one(open_dispatcher):
    pulled = []

    def cut():
        for shard in shards("f"):
            pulled.append(shard)
            yield shard

    dispatcher = open_dispatcher(cut(), "a")
    assert pulled == []
    assignment = dispatcher.next_shard("a")
    assert dispatcher.next_shard("a") is None
    for _ in range(3):
        dispatcher.record_outcome(assignment, done(assignment))
    assert len(pulled) == 1
    assert dispatcher.next_shard("a") is not None  # one chunk is left: time for the next shard
    assert len(pulled) == 2


def test_empty_shards_are_skipped(open_dispatcher):
    [whole] = shards("f", chunks=1)
    dispatcher = open_dispatcher([dataclasses.replace(whole, chunks=()), whole], "a")
    finish(dispatcher, "a")
    assert dispatcher.finished
    assert [type(event) for event in reported(dispatcher)] == [ChunkDone]


def test_a_crash_blames_only_the_chunk_being_rendered(open_dispatcher):
    dispatcher = open_dispatcher(shards("f", chunks=4), "a", "b")
    assignment = dispatcher.next_shard("a")
    dispatcher.record_outcome(assignment, done(assignment))
    dispatcher.worker_lost("a", "killed", Cause.CRASH)
    lost, retried = [event for event in reported(dispatcher) if not isinstance(event, ChunkDone)]
    assert lost == WorkerLost(worker="a", reason="killed")
    assert (retried.frames, retried.attempt) == ((2, 3), 2)
    rest, suspect = dispatcher.next_shard("b"), None
    while rest.remaining:
        dispatcher.record_outcome(rest, done(rest))
    suspect = dispatcher.next_shard("b")
    assert ([chunk.index for chunk in rest.shard.chunks], rest.shard.attempt) == ([2, 3], 1)
    assert ([chunk.index for chunk in suspect.shard.chunks], suspect.shard.attempt) == ([1], 2)


def test_chunks_committed_by_a_lost_worker_are_not_rendered_again(open_dispatcher):
    event = ChunkDone(job="job", worker="a", rows=(), seconds=1.0)
    dispatcher = open_dispatcher(
        shards("f", chunks=2), "a", "b", committed_chunks=lambda shard, worker: {0: event}
    )
    dispatcher.next_shard("a")
    dispatcher.worker_lost("a", "killed", Cause.CRASH)
    events = reported(dispatcher)
    assert events[1] == event
    assert events[2].frames == (2, 3)


def test_a_quarantined_worker_leaves_no_blame(open_dispatcher):
    dispatcher = open_dispatcher(shards("f", chunks=4), "a", "b")
    dispatcher.next_shard("a")
    dispatcher.worker_lost("a", "quarantined", None)
    assert dispatcher.next_shard("b").shard.attempt == 1


def test_without_workers_the_rest_is_given_up_with_the_reason(open_dispatcher):
    dispatcher = open_dispatcher(shards("f", chunks=8), "a")
    dispatcher.next_shard("a")
    dispatcher.worker_lost("a", "killed", Cause.CRASH)
    dispatcher.give_up_rest("no worker is left")
    assert dispatcher.finished
    assert sum(len(event.frames) for event in failures(reported(dispatcher))) == 16


def test_every_frame_is_reported_once_whatever_fails(open_dispatcher):
    """Use a fixed but irregular pattern of failures and crashes: each chunk ends done or given up, never both."""
    dispatcher = open_dispatcher(shards("f", chunks=50, per_shard=3), "w0")
    reported_frames, assignments, workers, step = [], {"w0": deque()}, 1, 0
    while not dispatcher.finished:
        step += 1
        assert step < 2000
        worker = list(assignments)[step % len(assignments)]
        while (assignment := dispatcher.next_shard(worker)) is not None:
            assignments[worker].append(assignment)
        if assignments[worker]:
            assignment = assignments[worker][0]
            if step % 7 == 0:
                del assignments[worker]
                dispatcher.worker_lost(worker, "killed", Cause.CRASH)
            elif step % 5 == 0:
                dispatcher.record_outcome(assignment, RENDER)
            else:
                reported_frames.extend(frame.index for frame in assignment.remaining[0].frames)
                dispatcher.record_outcome(assignment, done(assignment))
            if worker in assignments and not assignment.remaining:
                assignments[worker].popleft()
        while len(assignments) < 3:
            name = f"w{workers}"
            workers += 1
            assignments[name] = deque()
            dispatcher.add_worker(name)
    reported_frames += [index for event in failures(reported(dispatcher)) for index in event.frames]
    assert sorted(reported_frames) == list(range(100))


def test_frames_of_a_process_that_does_not_exit_are_given_up(open_dispatcher):
    dispatcher = open_dispatcher(shards("f", chunks=4), "a", "b")
    dispatcher.next_shard("a")
    dispatcher.abandon_worker("a", "it hangs, but its process does not end")
    assert dispatcher.next_shard("b") is None
    assert [event.frames for event in failures(reported(dispatcher))] == [tuple(range(8))]


def test_a_crash_blames_one_chunk_however_many_shards_the_worker_held(open_dispatcher):
    dispatcher = open_dispatcher(shards("f", chunks=4, per_shard=2), "a", "b")
    first = dispatcher.next_shard("a")
    dispatcher.record_outcome(first, done(first))
    dispatcher.next_shard("a")
    dispatcher.worker_lost("a", "killed", Cause.CRASH)
    finish(dispatcher, "b")
    events = reported(dispatcher)
    assert [event.frames for event in events if isinstance(event, ShardRetried)] == [(2, 3)]
    assert dispatcher.finished


def test_committed_chunks_of_a_process_that_does_not_exit_are_kept(open_dispatcher):
    event = ChunkDone(job="job", worker="a", rows=(), seconds=1.0)
    dispatcher = open_dispatcher(
        shards("f", chunks=2), "a", "b", committed_chunks=lambda shard, worker: {0: event}
    )
    dispatcher.next_shard("a")
    dispatcher.abandon_worker("a", "it does not end")
    assert [type(event) for event in reported(dispatcher)] == [WorkerLost, ChunkDone, FramesFailed]


NEXT_STATES = {
    "waiting": {"assigned", "cancelled"},
    "assigned": {"done", "retrying", "failed", "waiting"},
    "retrying": {"assigned", "cancelled"},
}


def states(dispatcher):
    """Return the states that each chunk has entered since the last call, by its index."""
    found = {}
    for event in dispatcher.events():
        if isinstance(event, ChunkStateChanged):
            found.setdefault(event.chunk, []).append(event.state)
    return found


def test_a_chunk_is_assigned_and_done(open_dispatcher):
    dispatcher = open_dispatcher(shards("f", chunks=2), "a")
    assignment = dispatcher.next_shard("a")
    assert states(dispatcher) == {0: ["assigned"], 1: ["assigned"]}
    dispatcher.record_outcome(assignment, done(assignment))
    assert states(dispatcher) == {0: ["done"]}


def test_after_a_lost_worker_its_current_chunk_is_retried_and_its_other_chunks_wait(open_dispatcher):
    dispatcher = open_dispatcher(shards("f", chunks=2), "a", "b")
    dispatcher.next_shard("a")
    dispatcher.worker_lost("a", "killed", Cause.CRASH)
    changed = [event for event in dispatcher.events() if isinstance(event, ChunkStateChanged)][2:]
    assert [(each.chunk, each.state, each.worker, each.cause, each.reason) for each in changed] == [
        (0, "retrying", "a", "crash", "killed"),
        (1, "waiting", "a", "", "killed"),
    ]


def test_chunks_without_an_attempt_are_cancelled(open_dispatcher):
    dispatcher = open_dispatcher(shards("f", chunks=2, per_shard=1))
    dispatcher.give_up_rest("no worker is left")
    assert states(dispatcher) == {0: ["cancelled"], 1: ["cancelled"]}


def test_every_chunk_follows_the_state_table_and_ends_in_a_final_state(
    open_dispatcher,
):
    """Use a fixed but irregular pattern of failures and crashes, over 50 chunks."""
    dispatcher = open_dispatcher(shards("f", chunks=50, per_shard=3), "w0")
    held, started = {"w0": deque()}, 1
    for step in range(1, 2000):
        if dispatcher.finished:
            break
        worker = list(held)[step % len(held)]
        while (assignment := dispatcher.next_shard(worker)) is not None:
            held[worker].append(assignment)
        if held[worker]:
            assignment = held[worker][0]
            if step % 7 == 0:
                del held[worker]
                dispatcher.worker_lost(worker, "killed", Cause.CRASH)
            else:
                dispatcher.record_outcome(assignment, RENDER if step % 5 == 0 else done(assignment))
                if not assignment.remaining:
                    held[worker].popleft()
        while len(held) < 3:
            name, started = f"w{started}", started + 1
            held[name] = deque()
            dispatcher.add_worker(name)
    found = states(dispatcher)
    assert sorted(found) == list(range(50))
    for entered in found.values():
        for before, after in zip(["waiting", *entered], entered, strict=False):
            assert after in NEXT_STATES[before]
        assert entered[-1] in {"done", "failed"}
    assert {state for entered in found.values() for state in entered} == {
        *("assigned", "waiting", "retrying", "done", "failed"),
    }
