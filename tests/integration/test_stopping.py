"""A run that is stopped keeps its frames, and the same command resumes it."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.exhaustive import sample

ROOT = Path(__file__).parents[2]
STEPS = "--set=render.num_inference_steps=40"
SIGNALS, REHEARSE = [signal.SIGINT, signal.SIGTERM], [STEPS, "--procedural"]
CASES = [
    (sign, options, job)
    for options, job in (([STEPS], "job"), (REHEARSE, "job-rehearsal"))
    for sign in SIGNALS
]


def start(manifest, output, *options):
    """Start a render on a worker; a rehearsal of it takes its time."""
    slowly = ["tests.guarantees.driver", f"--diary={output.parent / 'diary'}", "--seconds-per-chunk=0.5"]
    program = slowly if "--procedural" in options else ["farm.cli"]
    return subprocess.Popen(
        [
            sys.executable,
            "-m",
            *program,
            "render",
            manifest,
            f"--output-dir={output}",
            "--workers=1",
            *options,
        ],
        cwd=ROOT,
        env=os.environ | {"XDG_CACHE_HOME": str(output)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def digests(folder):
    table = pq.read_table(folder / "metadata.parquet")
    return dict(zip(table["frame"].to_pylist(), table["content_sha256"].to_pylist(), strict=True))


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.parametrize(
    ("stop", "options", "job"),
    sample(
        CASES, of=[(signal.SIGTERM, REHEARSE, "job-rehearsal")], ids=lambda case: f"{case[0].name}-{case[2]}"
    ),
)
def test_a_stopped_run_resumes_with_the_same_bits(write_manifest, farm, tmp_path, stop, options, job):
    manifest, output = write_manifest(), tmp_path / "out"
    run = start(manifest, output, *options)
    ledger = output / job / ".farm" / "ledger"
    for _ in range(600):
        if list(ledger.glob("frame*.jsonl")):  # four frames are written and recorded
            break
        assert run.poll() is None, run.communicate()
        time.sleep(0.1)
    run.send_signal(stop)
    out, err = run.communicate(timeout=120)
    assert run.returncode == 130, (out, err)
    assert "Interrupted. Finished frames are kept; run the same command to resume." in out
    assert not list(output.rglob(".tmp*"))
    assert not (output / job / "job.gif").exists()

    render = ("render", manifest, *options, "--inline", "--json")
    code, out, err = farm(*render, f"--output-dir={output}")
    assert code == 0, err
    [summary] = json.loads(out)
    assert summary["frames"]["kept"] >= 4
    assert summary["frames"]["kept"] + summary["frames"]["rendered"] == 21

    farm(*render, f"--output-dir={tmp_path / 'undisturbed'}")
    assert digests(output / job) == digests(tmp_path / "undisturbed" / job)
