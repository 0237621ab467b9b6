"""Verification can use any executor, and leaves no trace."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from farm.execute import InlineExecutor
from farm.results import Verdict, job_to_verify, verify
from farm.run import render
from tests.exhaustive import sample
from tests.guarantees.diary import Diary
from tests.guarantees.faults import Faulty, On, die
from tests.guarantees.films import folder_of, prepare_film, write_film
from tests.guarantees.undisturbed import assert_undisturbed, wait_for
from tests.tampering import flip_pixel

pytestmark = pytest.mark.ray
SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGKILL]
ROOT = Path(__file__).parents[2]


def check(job, **options):
    from farm.execute.ray.executor import RayExecutor

    executor = RayExecutor(workers=2, **options)
    return verify(job_to_verify(str(folder_of(job))), executor, lambda event: None)


def scratch_of(job):
    return [path.name for path in (folder_of(job) / ".farm").glob("verify-*")]


def test_two_workers_find_the_frames_of_two_others_identical(film, render_on_ray, diary):
    job = film()
    ran = render_on_ray(job)
    found = check(job)
    assert (found.exit_code, found.count(Verdict.IDENTICAL), found.changes) == (0, 24, ())
    assert scratch_of(job) == []
    assert_undisturbed(job, ran.code, diary=diary)


def test_workers_that_die_during_verification_cost_no_verdict(film, render_on_ray, tmp_path):
    job, checking = film(), Diary(tmp_path / "checking")
    ran = render_on_ray(job)
    pixels = flip_pixel(folder_of(job), 3)
    found = check(job, open_renderer=Faulty(checking, On(9, die, times=2)))
    assert len(checking.calls_of(9)) == 3
    assert (found.count(Verdict.IDENTICAL), found.count(Verdict.ALTERED)) == (23, 1)
    assert scratch_of(job) == []
    flipped_back = flip_pixel(folder_of(job), 3)
    assert (pixels != flipped_back).sum() == 1
    assert_undisturbed(job, ran.code, diary=checking)


@pytest.mark.slow
@pytest.mark.parametrize("stop", sample(SIGNALS, of=[signal.SIGKILL], ids=lambda sign: sign.name))
def test_a_stopped_verification_leaves_nothing_or_files_that_the_next_one_removes(tmp_path, stop):
    job, checking = prepare_film(write_film(tmp_path, frames=60)), Diary(tmp_path / "checking")
    with InlineExecutor() as executor:
        [summary] = render([job], executor, lambda event: None)
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "tests.guarantees.driver", f"--diary={checking.path}"),
            *("--seconds-per-chunk=0.2", "verify", str(folder_of(job)), "--all", "--workers=2"),
        ],
        cwd=ROOT,
        env=os.environ | {"XDG_CACHE_HOME": str(tmp_path / "cache")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_for(lambda: len(checking.actions("drew")) >= 6 or process.poll() is not None, "some frames")
    assert process.poll() is None, process.communicate()
    assert len(scratch_of(job)) == 1
    # Ray's own agents wait a minute for their dead head, and write nothing here.
    descendants = psutil.Process(process.pid).children(recursive=True)
    orphans = [child for child in descendants if "Agent" not in child.name()]
    process.send_signal(stop)
    out, err = process.communicate(timeout=60)
    _, lingering = psutil.wait_procs(orphans, timeout=60)
    assert lingering == []
    if stop is signal.SIGKILL:
        assert len(scratch_of(job)) == 1
        with InlineExecutor() as executor:
            assert verify(job_to_verify(str(folder_of(job))), executor, lambda event: None).exit_code == 0
    else:
        assert process.returncode == 130, (out, err)
        assert "identical\nInterrupted: the remaining frames were not checked.\n" in out
    assert scratch_of(job) == []
    assert_undisturbed(job, 0 if summary.state == "done" else 1, diary=checking)
