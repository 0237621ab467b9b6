"""Driver and reducer take the same memory however many frames there are."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.exhaustive import sample

MANIFEST = """
version: 1
name: long
model: {pipeline: StableDiffusionPipeline, pretrained: tiny-world}
animation: {kind: interpolate, prompts: [a, b, c], frames: 300}
render: {batch_size: 10, num_inference_steps: 1, height: 128, width: 128}
output: {gif: {rubber_band: true}}
"""
# Does all that a plain job does, and more.
MEASURED = "analysis: {smoothness: true}"
# VmHWM is this process's own peak; getrusage would count what the parent held at the fork.
DRIVER = """
import re, sys
from pathlib import Path
from farm.cli import main
try:
    main(sys.argv[1:])
finally:
    print("peak", re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
"""


@pytest.mark.slow
@pytest.mark.ray  # the exhaustive ones
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from /proc")
@pytest.mark.parametrize(
    ("analysis", "where", "count"),
    sample(
        [("", "--workers=2", 3000), (MEASURED, "--workers=2", 3000), (MEASURED, "--inline", 700)],
        of=[(MEASURED, "--inline", 700)],
    ),
)
def test_many_frames_take_the_memory_of_few(tmp_path, analysis, where, count):
    (tmp_path / "long.yaml").write_text(MANIFEST + analysis)

    def peak(frames):
        done = subprocess.run(
            [
                *(sys.executable, "-c", DRIVER, "render", "long.yaml", "--procedural", where),
                *(f"--set=animation.frames={frames}", f"--output-dir={tmp_path / str(frames)}"),
            ],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=600,
            check=True,
        )
        return int(re.search(r"^peak (\d+)", done.stdout, re.MULTILINE)[1]) / 1024

    few, many = peak(100), peak(count)
    print(f"driver and reducer: {few:.0f} MiB for 100 frames, {many:.0f} MiB for {count}")
    assert many <= 1.1 * few
