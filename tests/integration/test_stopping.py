"""A run that is stopped keeps its frames, and the same command resumes it."""

import json
import os
import signal
import subprocess
import sys
import time

import pyarrow.parquet as pq
import pytest

from tests.exhaustive import sample

STEPS = "render.num_inference_steps=40"


def start(manifest, output, *options, **variables):
    return subprocess.Popen(
        [
            sys.executable,
            "-m",
            "farm.cli",
            "render",
            manifest,
            f"--output-dir={output}",
            f"--set={STEPS}",
            *options,
        ],
        env=os.environ | {"XDG_CACHE_HOME": str(output)} | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def digests(output):
    table = pq.read_table(output / "job" / "metadata.parquet")
    return dict(zip(table["frame"].to_pylist(), table["content_sha256"].to_pylist(), strict=True))


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.parametrize(
    "stop", sample([signal.SIGINT, signal.SIGTERM], of=[signal.SIGTERM], ids=lambda sign: sign.name)
)
def test_a_stopped_run_resumes_with_the_same_bits(write_manifest, farm, tmp_path, stop):
    manifest, output = write_manifest(), tmp_path / "out"
    run = start(manifest, output, "--workers=1")
    ledger = output / "job" / ".farm" / "ledger"
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
    assert not (output / "job" / "job.gif").exists()

    render = ("render", manifest, f"--set={STEPS}", "--inline", "--json")
    code, out, err = farm(*render, f"--output-dir={output}")
    assert code == 0, err
    [summary] = json.loads(out)
    assert summary["frames"]["kept"] >= 4
    assert summary["frames"]["kept"] + summary["frames"]["rendered"] == 21

    farm(*render, f"--output-dir={tmp_path / 'undisturbed'}")
    assert digests(output) == digests(tmp_path / "undisturbed")
