"""Frames that fail, or are blank or invalid."""

import numpy as np
import pytest

from farm.cli.render import summary_text
from farm.events import FramesFailed, ShardRetried
from farm.execute import RetryPolicy
from farm.store import Ledger, content_sha256
from tests.guarantees.faults import From, On, Spoils, poison
from tests.guarantees.undisturbed import assert_undisturbed

pytestmark = pytest.mark.ray

BLACK = np.zeros((16, 16, 3), np.uint8)


def report(ran):
    return summary_text(ran.summary, "out").splitlines()


def test_a_poison_frame_fails_after_its_attempts_and_the_report_names_it(film, render_on_ray, diary):
    job = film()
    ran = render_on_ray(job, On(9, poison))

    summary = assert_undisturbed(job, ran.code, missing={8, 9}, diary=diary)
    assert ran.code == 3
    assert summary["failures"] == [{"first": 8, "last": 9, "reason": "the frame is poisoned"}]
    assert "  frames 8-9 missing: the frame is poisoned" in report(ran)
    [failed] = ran.events_of(FramesFailed)
    assert failed.attempts == 3
    assert len(ran.events_of(ShardRetried)) == 2
    calls = diary.calls()
    assert calls.pop((8, 9)) == 3
    assert set(calls.values()) == {1}

    again = render_on_ray(job)
    assert_undisturbed(job, again.code, diary=diary)
    assert (again.summary.frames.rendered, again.summary.frames.kept) == (2, 22)


@pytest.mark.parametrize("picture", [None, BLACK], ids=["not a number", "blank"])
def test_a_picture_that_is_flawed_once_is_rendered_again_on_another_worker(
    picture, film, render_on_ray, diary
):
    job = film(batch_size=3)
    ran = render_on_ray(job, Spoils(10, picture, times=1))

    summary = assert_undisturbed(job, ran.code, diary=diary)
    assert summary["remarks"] == []
    first, second = diary.calls_of(10)
    assert (first.frames, first.pid != second.pid) == (second.frames, True)
    [retried] = ran.events_of(ShardRetried)
    assert (retried.frames, retried.reason.partition(":")[0]) == ((9, 10, 11), "frame 10")


def test_a_picture_that_stays_invalid_is_missing_and_its_neighbours_are_kept(film, render_on_ray, diary):
    job = film(batch_size=3)
    ran = render_on_ray(job, Spoils(10, None))

    reason = "the pipeline returned NaN or infinite pixels twice"
    summary = assert_undisturbed(job, ran.code, missing={10}, diary=diary)
    assert summary["failures"] == [{"first": 10, "last": 10, "reason": reason}]
    assert f"  frame 10 missing: {reason}" in report(ran)
    calls = diary.calls()
    assert calls.pop((9, 10, 11)) == 2
    assert set(calls.values()) == {1}


def test_a_picture_that_stays_blank_is_kept_and_reported(film, render_on_ray, diary):
    job = film(batch_size=3)
    ran = render_on_ray(job, Spoils(10, BLACK))

    remark = "blank, also when rendered again"
    summary = assert_undisturbed(job, ran.code, other={10: content_sha256(BLACK)}, diary=diary)
    assert summary["remarks"] == [{"first": 10, "last": 10, "reason": remark}]
    assert f"  frame 10: {remark}" in report(ran)
    assert [row.frame for row in Ledger(job.folder).rows() if row.flaw] == [10]
    assert len(diary.calls_of(10)) == 2


def test_a_job_with_more_failed_frames_than_allowed_is_stopped(film, render_on_ray, diary):
    job = film(frames=60)
    ran = render_on_ray(job, From(12, poison), workers=1, policy=RetryPolicy(max_failed_frames=3))

    summary = assert_undisturbed(job, ran.code, missing=range(12, 60), diary=diary)
    stopped = "the job was stopped: more than 3 frames failed (--max-failed-frames)"
    assert {failure["reason"] for failure in summary["failures"]} == {"the frame is poisoned", stopped}
    assert diary.calls_of(58) == []
