import json
import platform
import subprocess
import sys
from importlib import metadata

import pytest

from farm.reduce import (
    Artifact,
    EnvironmentShare,
    FrameCounts,
    FrameRange,
    Summary,
    WorkerShare,
    installed_versions,
    read_summary,
    write_summary,
)


def summary(seconds=20.0):
    return Summary(
        name="dög",
        kind="interpolate",
        state="partial",
        exit_code=3,
        error="",
        frames=FrameCounts(planned=10, rendered=6, cached=0, kept=2, failed=2),
        failures=(FrameRange(first=3, last=4, reason="out of memory"),),
        remarks=(FrameRange(first=7, last=7, reason="blank"),),
        seconds=seconds,
        started_at="2026-01-02T03:04:05+00:00",
        finished_at="2026-01-02T03:04:25+00:00",
        workers=(WorkerShare(name="worker-0", node="host", device="cpu", frames=6, seconds=18.5),),
        environments=(EnvironmentShare(environment={"device": "cpu"}, frames=8),),
        outputs=(Artifact(name="dög.gif", bytes=1234),),
        versions={"python": "3.11.9"},
    )


def test_the_file_has_all_fields_of_the_summary(folder):
    write_summary(folder, summary())
    assert json.loads(folder.read("summary.json")) == {
        "name": "dög",
        "kind": "interpolate",
        "state": "partial",
        "exit_code": 3,
        "error": "",
        "frames": {"planned": 10, "rendered": 6, "cached": 0, "kept": 2, "failed": 2},
        "failures": [{"first": 3, "last": 4, "reason": "out of memory"}],
        "remarks": [{"first": 7, "last": 7, "reason": "blank"}],
        "seconds": 20.0,
        "started_at": "2026-01-02T03:04:05+00:00",
        "finished_at": "2026-01-02T03:04:25+00:00",
        "workers": [{"name": "worker-0", "node": "host", "device": "cpu", "frames": 6, "seconds": 18.5}],
        "environments": [{"environment": {"device": "cpu"}, "frames": 8}],
        "outputs": [{"name": "dög.gif", "bytes": 1234}],
        "versions": {"python": "3.11.9"},
        "analysis": None,
        "frames_per_second": 0.3,
    }


def test_a_summary_is_read_as_it_was_written(folder):
    write_summary(folder, summary())
    assert read_summary(folder) == summary()


@pytest.mark.parametrize("content", [None, b"", b"{", b"[]", b'{"name": "job"}'])
def test_a_missing_or_damaged_summary_is_none(folder, content):
    if content is not None:
        folder.write("summary.json", content)
    assert read_summary(folder) is None


def test_the_file_is_indented_for_people(folder):
    write_summary(folder, summary())
    assert folder.read("summary.json").decode().startswith('{\n  "name": "dög",\n')


def test_a_run_of_zero_seconds_has_no_speed():
    assert summary(seconds=0.0).frames_per_second == 0.0


def test_versions_are_those_installed():
    versions = installed_versions()
    assert versions["python"] == platform.python_version()
    assert versions["torch"] == metadata.version("torch")


def test_versions_are_found_without_importing_torch_or_ray():
    code = (
        "import sys; from farm.reduce import installed_versions; installed_versions(); "
        "print(sorted({'torch', 'ray', 'diffusers', 'pydantic'} & set(sys.modules)))"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "[]\n"
