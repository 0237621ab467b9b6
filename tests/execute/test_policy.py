import pytest

from farm.execute.outcome import Cause
from farm.execute.policy import RULES, Action, Policy


@pytest.mark.parametrize(
    ("cause", "attempt", "action"),
    [
        (Cause.RENDER, 1, Action.RETRY),
        (Cause.RENDER, 2, Action.RETRY),
        (Cause.RENDER, 3, Action.GIVE_UP_FRAMES),
        (Cause.DEFECT, 2, Action.RETRY),
        (Cause.DEFECT, 3, Action.GIVE_UP_FRAMES),
        (Cause.CRASH, 2, Action.RETRY),
        (Cause.CRASH, 3, Action.GIVE_UP_FRAMES),
        (Cause.MODEL, 1, Action.GIVE_UP_RENDERER),
        (Cause.STORAGE, 1, Action.RETRY),
        (Cause.STORAGE, 2, Action.GIVE_UP_JOB),
    ],
)
def test_a_failed_attempt_is_decided_by_cause_and_number(cause, attempt, action):
    assert Policy().after(cause, attempt) is action


def test_every_cause_has_a_rule():
    assert set(RULES) == set(Cause)


@pytest.mark.parametrize(
    ("failures", "contradicted", "workers", "aside"),
    [
        (3, True, 2, True),
        (4, True, 8, True),
        (2, True, 2, False),  # too early to tell
        (3, False, 2, False),  # nobody succeeded: the job is to blame
        (3, True, 1, False),  # the last worker stays
    ],
)
def test_a_worker_is_set_aside_only_when_it_fails_where_others_succeed(
    failures, contradicted, workers, aside
):
    policy = Policy()
    assert policy.sets_aside(failures_in_a_row=failures, contradicted=contradicted, workers=workers) is aside
