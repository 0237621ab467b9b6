"""Driver and reducer take the same memory for any number of frames."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

MANIFEST = """
version: 1
name: long
model: {pipeline: StableDiffusionPipeline, pretrained: tiny-world}
animation: {kind: interpolate, prompts: [a, b, c], frames: 300}
render: {batch_size: 10, num_inference_steps: 1}
output: {gif: {rubber_band: true}}
"""
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


@pytest.mark.exhaustive  # reduce/test_memory.py says it of the reducer
@pytest.mark.slow
@pytest.mark.ray
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from /proc")
@pytest.mark.parametrize("analysis", ["", "analysis: {smoothness: true}"], ids=["plain", "measured"])
def test_many_frames_take_as_much_memory_as_few(tmp_path, analysis):
    (tmp_path / "long.yaml").write_text(MANIFEST + analysis)

    def peak(frames):
        done = subprocess.run(
            [
                *(sys.executable, "-c", DRIVER, "render", "long.yaml", "--procedural", "--workers=2"),
                *(f"--set=animation.frames={frames}", f"--output-dir={tmp_path / str(frames)}"),
            ],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=600,
            check=True,
        )
        return int(re.search(r"^peak (\d+)", done.stdout, re.MULTILINE)[1]) / 1024

    few, many = peak(300), peak(3000)
    print(f"driver and reducer: {few:.0f} MiB for 300 frames, {many:.0f} MiB for 3,000")
    assert many <= 1.1 * few
