import contextlib
import json
import multiprocessing
import os
import platform
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from farm.errors import StorageError
from farm.store import FolderLock, JobFolder, lock, lock_holder
from farm.store.lock import process_namespace

NAME = ".farm/claim.json"
HOLD = """
import sys, time
from farm.store import FolderLock, JobFolder
held = FolderLock(JobFolder(sys.argv[1])).acquire()
print("held", flush=True)
time.sleep(600)
"""


@pytest.fixture(params=["local", "memory"])
def folder(request, tmp_path):
    return JobFolder(str(tmp_path / "job") if request.param == "local" else f"memory://{tmp_path.name}/job")


def held_by(folder, **holder):
    settings = {"id": "x", "host": platform.node(), "pid": os.getpid(), "born": "", "renewed": time.time()}
    settings["processes"] = process_namespace()
    folder.write(NAME, json.dumps(settings | holder).encode())


def test_a_second_run_is_refused_until_the_first_has_released_the_folder(folder):
    first = FolderLock(folder).acquire()
    with pytest.raises(StorageError) as reported:
        FolderLock(folder).acquire()
    assert str(reported.value) == (
        f"{folder.path('').rstrip('/')}: another run has locked this folder (process {os.getpid()} on "
        f"{platform.node()}); wait for it or stop it, then run again."
    )
    first.release()
    assert not folder.exists(NAME)
    FolderLock(folder).acquire().release()


def test_the_lock_of_a_dead_process_is_taken_over(folder):
    dead = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True, check=True
    )
    held_by(folder, pid=int(dead.stdout))
    FolderLock(folder).acquire().release()


def test_a_reused_process_number_does_not_keep_a_lock(folder):
    held_by(folder, born="1")
    FolderLock(folder).acquire().release()


def test_the_lock_of_another_machine_holds_as_long_as_it_is_renewed(folder):
    held_by(folder, host="elsewhere")
    with pytest.raises(StorageError, match="on elsewhere"):
        FolderLock(folder).acquire()
    held_by(folder, host="elsewhere", renewed=time.time() - 61)
    FolderLock(folder).acquire().release()


def test_an_unreadable_lock_is_taken_over(folder):
    folder.write(NAME, b"not json")
    FolderLock(folder).acquire().release()


def test_releasing_leaves_the_lock_of_a_run_that_took_over(folder):
    first = FolderLock(folder).acquire()
    held_by(folder, id="other")
    first.release()
    assert folder.exists(NAME)


def test_a_store_that_cannot_be_read_does_not_count_as_unlocked(folder, monkeypatch):
    held_by(folder, host="elsewhere")

    def down(name):
        raise StorageError("the store is down")

    monkeypatch.setattr(folder, "find", down)
    with pytest.raises(StorageError, match="the store is down"):
        FolderLock(folder).acquire()


def test_a_lock_that_could_not_be_removed_does_not_block_later_runs_of_its_process(folder, monkeypatch):
    first = FolderLock(folder).acquire()
    with monkeypatch.context() as patch:
        patch.setattr(folder, "compare_and_swap", lambda *_: False)
        first.release()
    assert folder.exists(NAME)
    FolderLock(folder).acquire().release()


def test_renewing_keeps_a_lock_and_its_loss_is_reported_once(folder, monkeypatch):
    monkeypatch.setattr(lock, "_HEARTBEAT_SECONDS", 0.02)
    lost = threading.Semaphore(0)
    reported = []
    held = FolderLock(folder, on_lost=lambda error: (reported.append(str(error)), lost.release())).acquire()
    before = folder.read(NAME)
    deadline = time.monotonic() + 60
    while folder.read(NAME) == before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert folder.read(NAME) != before
    held.renew()
    assert not held.lost
    others = json.dumps({"id": "other", "host": "elsewhere", "renewed": time.time()}).encode()
    while not folder.compare_and_swap(NAME, folder.read(NAME), others):
        """Between two renewals."""
    assert lost.acquire(timeout=10)
    held.release()
    assert held.lost
    assert reported == [
        f"{folder.path('').rstrip('/')}: another run has taken over this folder because this run did not renew "
        "its lock in time; finished frames are kept. Let the other run finish, or stop it and run again."
    ]
    assert folder.read(NAME) == others


def test_a_store_that_is_down_for_one_heartbeat_does_not_cost_the_lock(folder, monkeypatch):
    held = FolderLock(folder, on_lost=lambda error: pytest.fail(str(error))).acquire()
    with monkeypatch.context() as patch:

        def down(*_):
            raise StorageError("the store is down")

        patch.setattr(folder, "compare_and_swap", down)
        with pytest.raises(StorageError, match="^the store is down$"):
            held.renew()
    held.renew()
    assert not held.lost
    held.release()
    assert not folder.exists(NAME)


def race(folder, racers):
    """Let `racers` threads try to take over one stale lock, and return how many succeeded."""
    held_by(folder, host="elsewhere", renewed=time.time() - 61)
    gate, held = threading.Barrier(racers), []

    def run():
        gate.wait()
        with contextlib.suppress(StorageError):
            held.append(FolderLock(folder).acquire())

    threads = [threading.Thread(target=run) for _ in range(racers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for one in held:
        one.release()
    return len(held)


def test_of_many_threads_that_find_one_stale_lock_one_takes_it_over(folder):
    assert [race(folder, 4) for _ in range(50)] == [1] * 50


def take_in_turns(url, turns, gate, outcomes):
    for turn in range(turns):
        gate.wait()
        held = None
        with contextlib.suppress(StorageError):
            held = FolderLock(JobFolder(url)).acquire()
        outcomes.put((turn, os.getpid() if held else None))
        gate.wait()  # no process releases it before all have tried
        if held:
            held.release()
        gate.wait()


def test_of_several_processes_that_find_one_stale_lock_one_takes_it_over(tmp_path):
    turns, racers = 60, 3
    folder = JobFolder(str(tmp_path / "job"))
    context = multiprocessing.get_context("fork")
    gate, queue = context.Barrier(racers + 1), context.Queue()
    processes = [
        context.Process(target=take_in_turns, args=(folder.url, turns, gate, queue)) for _ in range(racers)
    ]
    for process in processes:
        process.start()
    held_by(folder, host="elsewhere", renewed=time.time() - 61)
    for turn in range(turns):
        for step in ("go", "tried", "let go"):
            gate.wait(timeout=60)
            if step == "tried":
                outcomes = [queue.get(timeout=60) for _ in range(racers)]
                assert [at for at, _ in outcomes] == [turn] * racers
                assert sum(pid is not None for _, pid in outcomes) == 1
            if step == "let go":
                held_by(folder, host="elsewhere", renewed=time.time() - 61)
    for process in processes:
        process.join()
        assert process.exitcode == 0


def test_the_lock_of_a_zombie_is_taken_over(tmp_path):
    """A killed run whose parent has not waited for it yet does not block others."""
    folder = JobFolder(str(tmp_path))
    child = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE)
    assert child.stdout.readline() == b"held\n"
    child.kill()
    while Path(f"/proc/{child.pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
        time.sleep(0.01)
    FolderLock(folder).acquire().release()
    child.wait()


def test_the_lock_of_another_container_holds_as_long_as_it_is_renewed(tmp_path):
    folder = JobFolder(str(tmp_path))
    first = FolderLock(folder).acquire()
    holder = json.loads(folder.read(".farm/claim.json"))
    elsewhere = holder | {"id": "other", "processes": "another pid namespace", "pid": 2**22 + 1}
    folder.write(".farm/claim.json", json.dumps(elsewhere).encode())
    with pytest.raises(StorageError, match="another run has locked this folder"):
        FolderLock(folder).acquire()
    folder.write(".farm/claim.json", json.dumps(elsewhere | {"renewed": time.time() - 61}).encode())
    FolderLock(folder).acquire().release()
    first.release()


def test_a_lock_file_that_is_not_valid_is_taken_over(tmp_path):
    folder = JobFolder(str(tmp_path))
    folder.write(".farm/claim.json", b"[" * 100_000)
    FolderLock(folder).acquire().release()


def test_the_holder_of_a_folder_is_named_until_it_releases_it(folder):
    assert lock_holder(folder) == ""
    held = FolderLock(folder).acquire()
    assert lock_holder(folder) == f"process {os.getpid()} on {platform.node()}"
    held.release()
    assert lock_holder(folder) == ""


def test_a_dead_run_holds_nothing(folder):
    held_by(folder, host="another", processes="", renewed=time.time() - 61)
    assert lock_holder(folder) == ""


@pytest.mark.parametrize(
    "holder",
    [
        {"renewed": 10**12},
        {"renewed": 10**400},
        {"renewed": float("nan")},
        {"renewed": float("inf")},
        {"renewed": "now"},
        {"renewed": True},
        {"renewed": [[]]},
        {"id": ["x"]},
        {"id": "x" * 5000},
        {"host": {}},
    ],
    ids=["ahead", "huge", "nan", "infinite", "text", "boolean", "list", "list as id", "long", "map as host"],
)
def test_an_invalid_lock_of_another_machine_holds_no_folder(folder, holder):
    held_by(folder, **({"host": "elsewhere"} | holder))
    assert lock_holder(folder) == ""
    FolderLock(folder).acquire().release()


@pytest.mark.parametrize("pid", [0, -1, -2, 2**31, 10**30, True, 1.5, "1", None])
def test_a_lock_of_this_machine_by_an_invalid_process_number_holds_no_folder(folder, pid):
    held_by(folder, pid=pid)
    assert lock_holder(folder) == ""
    FolderLock(folder).acquire().release()


def test_a_clock_that_is_slightly_ahead_costs_no_lock(folder):
    held_by(folder, host="elsewhere", renewed=time.time() + 30)
    assert lock_holder(folder) == f"process {os.getpid()} on elsewhere"
    held_by(folder, host="elsewhere", renewed=time.time() + 90)
    assert lock_holder(folder) == ""
