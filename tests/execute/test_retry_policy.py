import pytest

from farm.execute.retry_policy import RULES, Action, Cause, Failure, RetryPolicy


@pytest.mark.parametrize(
    ("cause", "attempt", "tried", "workers", "action"),
    [
        (Cause.RENDER, 1, 1, 2, Action.RETRY),
        (Cause.RENDER, 2, 1, 1, Action.RETRY),  # the only worker tries its own failures again
        (Cause.RENDER, 3, 2, 8, Action.GIVE_UP_FRAMES),
        (Cause.DEFECT, 2, 2, 2, Action.RETRY),
        (Cause.DEFECT, 3, 2, 2, Action.GIVE_UP_FRAMES),
        (Cause.CRASH, 2, 0, 1, Action.RETRY),
        (Cause.CRASH, 2, 0, 0, Action.RETRY),  # a replacement may still come
        (Cause.CRASH, 3, 0, 1, Action.GIVE_UP_FRAMES),
        (Cause.HANG, 1, 0, 1, Action.RETRY),
        (Cause.HANG, 2, 0, 1, Action.GIVE_UP_FRAMES),
        (Cause.MODEL, 1, 1, 2, Action.RETRY),
        (Cause.MODEL, 1, 1, 1, Action.GIVE_UP_RENDERER),  # no other worker
        (Cause.MODEL, 2, 2, 8, Action.GIVE_UP_RENDERER),
        (Cause.STORAGE, 1, 1, 1, Action.RETRY),
        (Cause.TAKEN, 1, 1, 2, Action.GIVE_UP_JOB),
        (Cause.STORAGE, 2, 1, 1, Action.GIVE_UP_JOB),
        (Cause.FLAW, 1, 1, 2, Action.LAST_TRY),
        (Cause.FLAW, 3, 1, 1, Action.LAST_TRY),
        (Cause.OUT_OF_MEMORY, 1, 1, 1, Action.RETRY),  # at full size: the worker has made room meanwhile
    ],
)
def test_the_action_depends_on_cause_attempt_and_remaining_workers(cause, attempt, tried, workers, action):
    failure = Failure(cause=cause, attempt=attempt, workers_tried=tried, workers=workers, frames_per_call=1)
    assert RetryPolicy().after(failure) is action


@pytest.mark.parametrize(
    ("attempt", "frames_per_call", "action"),
    [
        (2, 6, Action.HALVE),
        (3, 3, Action.HALVE),
        (4, 1, Action.GIVE_UP_FRAMES),
        (2, 1, Action.GIVE_UP_FRAMES),  # nothing to halve
    ],
)
def test_running_out_of_memory_again_halves_the_call_down_to_one_frame(attempt, frames_per_call, action):
    failure = Failure(
        cause=Cause.OUT_OF_MEMORY,
        attempt=attempt,
        workers_tried=1,
        workers=2,
        frames_per_call=frames_per_call,
    )
    assert RetryPolicy().after(failure) is action


def test_every_cause_has_a_rule():
    assert set(RULES) == set(Cause)


@pytest.mark.parametrize("cause", Cause)
def test_every_cause_is_given_up_eventually(cause):
    """A chunk of eight frames that keeps failing gets few attempts."""
    frames_per_call, attempt = 8, 0
    for attempt in range(1, 20):
        action = RetryPolicy().after(
            Failure(cause=cause, attempt=attempt, workers_tried=1, workers=2, frames_per_call=frames_per_call)
        )
        if action is Action.HALVE:
            frames_per_call //= 2
        elif action is not Action.RETRY:
            break
    assert attempt <= 5


@pytest.mark.parametrize(
    ("limit", "failed", "stops"),
    [(None, 10**6, False), (0, 0, False), (0, 1, True), (3, 3, False), (3, 4, True)],
)
def test_a_job_is_stopped_when_more_frames_failed_than_allowed(limit, failed, stops):
    assert RetryPolicy(max_failed_frames=limit).stops(failed) is stops


@pytest.mark.parametrize(
    ("failures", "workers", "quarantined"),
    [
        (3, 2, True),
        (4, 8, True),
        (2, 2, False),  # too early to tell
        (3, 1, False),  # the last worker stays
    ],
)
def test_a_worker_is_quarantined_after_failures_on_chunks_that_others_rendered(
    failures, workers, quarantined
):
    assert RetryPolicy().quarantines(failures_in_a_row=failures, workers=workers) is quarantined
