"""Measuring in a background thread: the frames it waits for, and stopping it with any scoring model."""

import subprocess
import sys
import threading
import time

import pytest

from farm.errors import FarmError, ModelError
from farm.execute import InlineTasks
from farm.records import AnalysisSpec
from farm.results.job import open_finished
from farm.results.measurements import frame_sequences, measurements_of
from farm.run import measuring
from farm.run.measuring import Measuring
from farm.store import Ledger

SPEC = AnalysisSpec(clip=None, classifier=None, smoothness=True)
LONG = 60  # seconds: only a test that fails waits for so long


class Watched(InlineTasks):
    """Calls in this process, records the first frame of every sequence, and hangs on request."""

    def __init__(self, *, hangs=False):
        self.begun, self.let_go, self.hangs = [], threading.Event(), hangs
        self._changed = threading.Condition()

    def __call__(self, function, spec, folder, sequence):
        with self._changed:
            self.begun.append(sequence.frames[0].frame)
            self._changed.notify_all()
        if self.hangs:
            self.let_go.wait(LONG)
        return function(spec, folder, sequence)

    def waits_for(self, count):
        """Return whether that many sequences are started soon."""
        with self._changed:
            return self._changed.wait_for(lambda: len(self.begun) >= count, 20)


@pytest.fixture
def job(rendered):
    return open_finished(str(rendered(frames=96)))


@pytest.fixture
def started(job):
    begun = []

    def start(background):
        begun.append((Measuring(job.plan, job.folder, SPEC, background), background))
        return begun[-1][0]

    yield start
    for one, background in begun:
        if isinstance(background, Watched):
            background.let_go.set()
        one.abort()


def kept(job):
    """Return the sequences whose values are kept."""
    return [
        one
        for one in frame_sequences(job.analyzed_frames())
        if measurements_of(job.folder, SPEC).find(one) is not None
    ]


def test_frames_are_measured_before_all_have_arrived(job, started):
    background = Watched()
    one = started(background)
    one.offer([row for row in Ledger(job.folder).rows() if row.frame < 49])
    assert background.waits_for(2)
    assert background.begun == [0, 24]


def test_a_failed_frame_does_not_delay_later_ones(job, started):
    background = Watched()
    one = started(background)
    one.offer_kept([*range(30), *range(32, 96)])
    one.skip([30, 31])
    assert background.waits_for(5)
    # No frame follows the last sequence to end it; it ends with the job.
    assert background.begun == [0, 24, 32, 48, 72]


def test_a_missing_frame_delays_later_ones(job, started):
    background = Watched()
    one = started(background)
    one.offer_kept([*range(30), *range(32, 96)])
    assert background.waits_for(1)
    time.sleep(0.3)
    assert background.begun == [0]
    one.finish()
    assert background.begun == [0, 24, 32, 48, 72]


def test_no_sequence_is_measured_after_an_abort(job, started):
    background = Watched(hangs=True)
    one = started(background)
    one.offer_kept(range(96))
    assert background.waits_for(1)
    one.cancel()
    background.let_go.set()
    one.abort()
    assert not one._thread.is_alive()
    assert background.begun == [0]
    assert len(kept(job)) == 1
    with pytest.raises(FarmError, match=r"^measuring was stopped before it finished\.$"):
        one.finish()


def test_an_abort_after_the_end_changes_nothing(job, started):
    one = started(Watched())
    one.offer_kept(range(96))
    one.finish()
    one.abort()
    one.finish()
    assert len(kept(job)) == 4


def test_a_hanging_scoring_model_is_abandoned_and_its_late_values_are_discarded(job, started, monkeypatch):
    monkeypatch.setattr(measuring, "_STOP_TIMEOUT_SECONDS", 0.2)
    background = Watched(hangs=True)
    one = started(background)
    one.offer_kept(range(96))
    assert background.waits_for(1)
    one.abort()
    assert one._thread.is_alive()
    background.let_go.set()
    one._thread.join(LONG)
    assert not one._thread.is_alive()
    assert kept(job) == []
    assert background.begun == [0]


def test_an_abort_ends_the_wait_of_another_thread(job, started, monkeypatch):
    monkeypatch.setattr(measuring, "_STOP_TIMEOUT_SECONDS", 0.2)
    one = started(Watched(hangs=True))
    one.offer_kept(range(96))
    said = []

    def finish():
        try:
            one.finish()
        except FarmError as error:
            said.append(str(error))

    waiting = threading.Thread(target=finish)
    waiting.start()
    one.abort()
    waiting.join(LONG)
    assert said == ["measuring was stopped before it finished."]


def test_jobs_cancelled_together_are_aborted_in_the_time_of_one(job, started, monkeypatch):
    clock = [100.0]
    monkeypatch.setattr(measuring.time, "monotonic", lambda: clock[0])
    joined = []
    several = [started(Watched(hangs=True)) for _ in range(3)]

    def join(patience):
        joined.append(patience)
        clock[0] += patience

    for one in several:
        one.offer_kept(range(96))
        monkeypatch.setattr(one._thread, "join", join)
        one.cancel()
    for one in several:
        one.abort()
        one.abort()
    assert joined == [5.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    monkeypatch.undo()


def test_errors_of_scoring_models_are_raised_at_the_end_and_unexpected_ones_are_named(job, started):
    class Ill(InlineTasks):
        def __call__(self, *_):
            raise ModelError("the scoring model failed")

    class Buggy(InlineTasks):
        def __call__(self, *_):
            raise ValueError("a slip")

    for background, kind, said in (
        (Ill(), ModelError, "the scoring model failed"),
        (Buggy(), FarmError, "frames cannot be measured: ValueError: a slip"),
    ):
        one = started(background)
        one.offer_kept(range(96))
        with pytest.raises(kind, match=f"^{said}$"):
            one.finish()


PROGRAM = """
import sys, threading
from farm.execute import InlineTasks
from farm.records import AnalysisSpec
from farm.results.job import open_finished
from farm.run import measuring

begun, never = threading.Event(), threading.Event()

class Hung(InlineTasks):
    def __call__(self, *_):
        begun.set()
        never.wait()

measuring._STOP_TIMEOUT_SECONDS = 0.1
job = open_finished(sys.argv[1])
spec = AnalysisSpec(clip=None, classifier=None, smoothness=True)
one = measuring.Measuring(job.plan, job.folder, spec, Hung())
one.offer_kept(range(96))
begun.wait()
one.abort()
print("the last line")
"""


def test_a_hanging_scoring_model_does_not_keep_the_process_alive(job):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, job.folder.url],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert done.stdout == "the last line\n"
