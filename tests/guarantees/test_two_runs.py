"""Two runs on one folder: one renders, the other is refused; exactly one run takes over a dead run's lock."""

import json
import os
import platform
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from farm.errors import StorageError
from farm.events import ChunkDone
from farm.execute import InlineExecutor
from farm.results import exit_code
from farm.run import render
from farm.store import FolderLock, JobFolder
from farm.store.lock import process_namespace
from tests.guarantees.diary import Diary
from tests.guarantees.driver import Driver
from tests.guarantees.faults import Await, Faulty, From
from tests.guarantees.films import folder_of
from tests.guarantees.undisturbed import assert_undisturbed

CLAIM = ".farm/claim.json"


@pytest.fixture
def dead():
    """Return the lock of a dead process of this machine."""
    run = [sys.executable, "-c", "import os; print(os.getpid())"]
    pid = int(subprocess.run(run, capture_output=True, text=True, check=True).stdout)
    here = {"host": platform.node(), "processes": process_namespace()}
    return here | {"id": "x", "pid": pid, "born": "1", "renewed": time.time()}


@pytest.mark.ray
def test_a_second_run_is_refused_and_the_first_is_unaffected(film, render_on_ray, diary, tmp_path):
    job, gate, second = film(), tmp_path / "gate", Diary(tmp_path / "second")
    refused = []

    def run_again(event):
        if isinstance(event, ChunkDone) and not refused:
            refused.append(Driver(tmp_path / "film.yaml", second, "--inline"))
            refused[0].end()
            gate.touch()

    ran = render_on_ray(job, From(12, Await(gate)), on_event=run_again)

    assert refused[0].process.returncode == 1
    assert refused[0].out.splitlines()[1] == (
        f"  {folder_of(job)}: another run has locked this folder (process {os.getpid()} on "
        f"{platform.node()}); wait for it or stop it, then run again."
    )
    assert second.actions("opened") == []
    assert_undisturbed(job, ran.code, diary=diary)
    assert set(diary.calls().values()) == {1}


def test_a_run_takes_over_the_lock_of_a_dead_run(film, diary, dead):
    job = film()
    job.folder.write(CLAIM, json.dumps(dead).encode())
    with InlineExecutor(open_renderer=Faulty(diary)) as executor:
        [summary] = render([job], executor, lambda event: None)
    assert_undisturbed(job, exit_code([summary]), diary=diary)


def test_exactly_one_of_many_runs_takes_over_a_dead_runs_lock(tmp_path, dead):
    def take(folder, start):
        start.wait()
        try:
            return FolderLock(folder).acquire()
        except StorageError:
            return None

    for attempt in range(40):
        folder, start = JobFolder(str(tmp_path / str(attempt))), threading.Barrier(8)
        folder.write(CLAIM, json.dumps(dead).encode())
        with ThreadPoolExecutor(8) as runs:
            taken = [held for held in runs.map(take, [folder] * 8, [start] * 8) if held]
        for held in taken:
            held.release()
        assert len(taken) == 1
