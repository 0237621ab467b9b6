import json
import os
import platform
import subprocess
import sys
import time

import pytest

from farm.errors import StorageError
from farm.store import Claim, JobFolder

NAME = ".farm/claim.json"


@pytest.fixture(params=["local", "memory"])
def folder(request, tmp_path):
    return JobFolder(str(tmp_path / "job") if request.param == "local" else f"memory://{tmp_path.name}/job")


def held_by(folder, **holder):
    settings = {"id": "x", "host": platform.node(), "pid": os.getpid(), "born": "", "renewed": time.time()}
    folder.write(NAME, json.dumps(settings | holder).encode())


def test_a_second_run_is_refused_until_the_first_lets_go(folder):
    first = Claim(folder).take()
    with pytest.raises(
        StorageError, match=rf"another run is rendering into this folder \(process {os.getpid()} on "
    ):
        Claim(folder).take()
    first.release()
    assert not folder.exists(NAME)
    Claim(folder).take().release()


def test_the_claim_of_a_dead_process_is_taken_over(folder):
    dead = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True, check=True
    )
    held_by(folder, pid=int(dead.stdout))
    Claim(folder).take().release()


def test_a_process_number_that_was_given_again_does_not_keep_a_claim_alive(folder):
    held_by(folder, born="1")
    Claim(folder).take().release()


def test_another_machines_claim_lives_as_long_as_it_is_renewed(folder):
    held_by(folder, host="elsewhere")
    with pytest.raises(StorageError, match="on elsewhere"):
        Claim(folder).take()
    held_by(folder, host="elsewhere", renewed=time.time() - 61)
    Claim(folder).take().release()


def test_an_unreadable_claim_is_taken_over(folder):
    folder.write(NAME, b"not json")
    Claim(folder).take().release()


def test_releasing_leaves_the_claim_of_a_run_that_took_over(folder):
    claim = Claim(folder).take()
    held_by(folder, id="other")
    claim.release()
    assert folder.exists(NAME)
