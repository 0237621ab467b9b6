"""A failed preparation of one manifest affects only this manifest."""

import logging
import os
import re
import signal
import sys
import time

import pytest

from farm.errors import ManifestError, StorageError, UsageError, as_farm_error
from farm.run import gather, prepare

PREPARING = sys.modules["farm.run.prepare"], "check_compatibility"
"""A step of every preparation; the module, as the package has a function of its name."""

NEEDED = "needed: a manifest that can be prepared for rendering."


class PanicException(BaseException):
    """Like the exception that code in Rust raises; see pyo3."""


@pytest.fixture
def folder(write_manifest, tmp_path):
    for name in ("first", "second", "third"):
        write_manifest(name)
    return tmp_path


def spoil(monkeypatch, act):
    """Replace a step in the preparation of the second manifest."""

    def step(document, inputs):
        if document.manifest.name == "second":
            act()
        return []

    monkeypatch.setattr(*PREPARING, step)


def refused(folder, **options):
    """Return the message about the second manifest; the others are jobs."""
    found = gather(folder, output_dir=str(folder / "out"), procedural=True, **options)
    assert [path.name for path in found.jobs] == ["first.yaml", "third.yaml"]
    [(path, error)] = found.broken.items()
    assert path.name == "second.yaml"
    return str(error).removeprefix(f"{path}: ")


def raising(error):
    def act():
        raise error

    return act


@pytest.mark.parametrize(
    "error", [PanicException("index out of bounds"), RecursionError("index out of bounds")]
)
def test_an_unexpected_error_refuses_the_manifest(folder, monkeypatch, error):
    spoil(monkeypatch, raising(error))
    message = (
        f"unexpected error: {type(error).__name__}: index out of bounds; {NEEDED} "
        "The log has its traceback; please report it."
    )
    assert refused(folder) == message
    with pytest.raises(ManifestError) as caught:
        prepare(folder / "second.yaml", output_dir=str(folder / "out"), procedural=True)
    assert str(caught.value) == f"{folder}/second.yaml: {message}"
    assert caught.value.__cause__ is error


def test_a_long_error_is_shortened(folder, monkeypatch):
    spoil(monkeypatch, raising(ValueError("x" * 1_000_000)))
    assert len(refused(folder)) < 800


def test_an_unreadable_folder_refuses_the_manifest(folder, monkeypatch):
    spoil(monkeypatch, raising(StorageError("out/second/.farm cannot be read: Permission denied.")))
    assert refused(folder) == f"out/second/.farm cannot be read: Permission denied; {NEEDED}"


def test_a_loop_that_holds_the_interpreter_is_ended(folder, monkeypatch):
    spoil(monkeypatch, lambda: re.fullmatch("(a+)+", "a" * 60 + "b"))  # it would take years
    began = time.monotonic()
    assert refused(folder, seconds=2.0) == (
        f"its preparation took more than 2 seconds; {NEEDED} Large checkpoints on a slow disk may need a higher "
        "--manifest-timeout."
    )
    assert time.monotonic() - began < 30


def test_a_process_that_dies_refuses_the_manifest(folder, monkeypatch):
    spoil(monkeypatch, lambda: os.kill(os.getpid(), signal.SIGKILL))
    assert refused(folder) == f"its preparation crashed the process (SIGKILL); {NEEDED}"


def test_memory_is_limited(folder, monkeypatch):
    spoil(monkeypatch, lambda: bytes(5 * 2**30))
    assert refused(folder) == f"not enough memory to prepare it; {NEEDED}"


def test_one_process_prepares_all_manifests_and_ends(folder, monkeypatch):
    seen = folder / "seen"
    monkeypatch.setattr(*PREPARING, lambda *_: seen.open("a").write(f"{os.getpid()}\n") and [])
    gather(folder, output_dir=str(folder / "out"), procedural=True)
    [child] = {int(line) for line in seen.read_text().split()}
    assert child != os.getpid()
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)


def test_a_usage_error_refuses_no_manifest(folder):
    with pytest.raises(UsageError, match=r"^'http://x/first-rehearsal'"):
        gather(folder, output_dir="http://x", procedural=True)


@pytest.mark.parametrize("name", ["x" * 5000, "a\0b", "gone"])
def test_an_invalid_folder_of_manifests_is_reported(tmp_path, name):
    with pytest.raises(UsageError, match=r"; give a folder of manifests\.$"):
        gather(tmp_path / name)


@pytest.mark.parametrize("stop", [KeyboardInterrupt(), SystemExit(1), GeneratorExit()])
def test_requests_to_stop_are_passed_on(stop, caplog):
    with caplog.at_level(logging.ERROR), pytest.raises(type(stop)):
        as_farm_error(stop)
    assert not caplog.records
