import os
import re
import signal
import threading
import time
from contextlib import ExitStack

import psutil
import pytest

from farm.errors import ClusterError, FarmError, ModelError
from farm.execute import InlineExecutor


def double(number):
    return 2 * number


def fail(error):
    raise error


def process():
    return os.getpid()


def die_once(path):
    if not path.exists():
        path.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return "alive"


def die(path):
    path.write_text(path.read_text() + "x" if path.exists() else "x")
    os.kill(os.getpid(), signal.SIGKILL)


def hang(path):
    path.write_text(str(os.getpid()))
    time.sleep(600)


def test_inline_tasks_call_functions_in_this_process():
    with InlineExecutor() as executor:
        assert executor.background(double, 3) == 6
        assert executor.background(process) == os.getpid()


@pytest.fixture(scope="module")
def executor(shared_ray):
    """Opens on first use, and is the same for all tests."""
    with ExitStack() as opened:
        yield opened


@pytest.fixture
def background(local_ray, executor):
    """The tasks of an executor whose actor all tests share."""
    from farm.execute.ray.executor import RayExecutor

    if not hasattr(executor, "background"):
        executor.background = executor.enter_context(RayExecutor(workers=2)).background
    return executor.background


@pytest.mark.ray
def test_ray_calls_functions_in_one_separate_process(background):
    assert background.concurrency == 1
    assert background(double, 3) == 6
    assert background(process) == background(process) != os.getpid()


@pytest.mark.ray
def test_it_takes_no_core_from_a_worker(background, local_ray):
    background(process)
    assert local_ray.available_resources()["CPU"] == 2


@pytest.mark.ray
def test_errors_are_raised_unchanged(background):
    with pytest.raises(ModelError, match="^no such model$"):
        background(fail, ModelError("no such model"))
    with pytest.raises(FarmError, match="^ValueError: a slip$"):
        background(fail, ValueError("a slip"))


@pytest.fixture
def few(local_ray):
    """One actor, and no executor around it."""
    from farm.execute.ray.background_tasks import RayTasks

    tasks = RayTasks(workers=1)
    yield tasks
    tasks.close()


@pytest.mark.ray
def test_a_call_that_kills_its_process_is_attempted_three_times_and_the_next_call_has_another_actor(
    few, tmp_path
):
    assert few(die_once, tmp_path / "died") == "alive"
    with pytest.raises(ClusterError, match="^the process that measures frames died: "):
        few(die, tmp_path / "tries")
    assert (tmp_path / "tries").read_text() == "xxx"
    assert few(double, 3) == 6


@pytest.mark.ray
def test_an_actor_that_hangs_is_killed_and_replaced(few, tmp_path, monkeypatch):
    before = few(process)
    monkeypatch.setattr(few, "_timeout", 1.0)
    with pytest.raises(ClusterError) as refused:
        few(hang, tmp_path / "hung")
    assert str(refused.value) == (
        "the process that measures frames did not respond within 1 seconds and was killed; earlier measurements are "
        "kept. Run the same command to resume. If it hangs again, check the models that it measures with, and the "
        "memory of its machine."
    )
    assert int((tmp_path / "hung").read_text()) == before
    psutil.wait_procs([psutil.Process(before)] if psutil.pid_exists(before) else [], timeout=20)
    assert not psutil.pid_exists(before)
    monkeypatch.setattr(few, "_timeout", 60.0)
    assert few(process) != before


@pytest.mark.ray
def test_a_call_may_take_ten_minutes(few):
    assert few._timeout == 600


@pytest.mark.ray
def test_an_actor_is_started_by_the_call_after_a_failed_start_and_kept_after_a_failed_call(few, monkeypatch):
    from ray.exceptions import RaySystemError

    def refuse():
        raise RaySystemError("no room")

    with monkeypatch.context() as patched:
        patched.setattr(few, "_start", refuse)
        said = "the process that measures frames died: System error: no room"
        with pytest.raises(ClusterError, match=f"^{re.escape(said)}"):
            few(double, 3)
    before = few(process)
    with pytest.raises(FarmError, match="^ValueError: a slip$"):
        few(fail, ValueError("a slip"))
    assert few(process) == before


@pytest.mark.ray
def test_closing_ends_waiting_calls_and_refuses_new_ones(few, tmp_path):
    said = []

    def call(function, *arguments):
        try:
            few(function, *arguments)
        except ClusterError as error:
            said.append(str(error))

    waiting = [threading.Thread(target=call, args=(hang, tmp_path / "hung"), daemon=True)]
    waiting.append(threading.Thread(target=call, args=(process,), daemon=True))
    waiting[0].start()
    ends = time.monotonic() + 60
    while not (tmp_path / "hung").exists() and time.monotonic() < ends:
        time.sleep(0.05)
    waiting[1].start()
    few.close()
    for thread in waiting:
        thread.join(60)
    assert said == ["the process that measures frames was stopped."] * 2
    with pytest.raises(ClusterError, match=r"^the process that measures frames was stopped\.$"):
        few(process)
