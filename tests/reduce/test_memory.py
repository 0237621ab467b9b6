"""Memory use is constant for any number of frames.

Peak memory is VmHWM in /proc: `getrusage` also counts the memory of the parent when it forked.
"""

import subprocess
import sys

import pytest

from tests.exhaustive import sample

MEASURE = """
import sys
from pathlib import Path
from farm.records import *
from farm.reduce import Reducer
from farm.store import JobFolder

count = int(sys.argv[2])
gif = GifSpec(fps=10.0, rubber_band=True, loop=True, colors=256, palette="global", dither=True, scale=2)
sheet = SheetSpec(columns=10, max_frames=50, thumbnail=128)
mp4 = Mp4Spec(fps=30.0, crf=18, preset="medium")
outputs = OutputSpec(gif=gif, mp4=mp4, contact_sheet=sheet, grid=None)
with Reducer(JobFolder(sys.argv[1]), "job", outputs, count) as reducer:
    reducer.offer(range(count))
    reducer.finish()
status = Path("/proc/self/status").read_text().split("\\n")
print(next(line.split()[1] for line in status if line.startswith("VmHWM")))
"""


def peak_mib(folder, count):
    command = [sys.executable, "-c", MEASURE, folder.path(""), str(count)]
    return int(subprocess.check_output(command, text=True)) / 1024


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("count", sample([1500, 3000], of=[1500]))
def test_memory_does_not_grow_with_the_number_of_frames(folder, store, count):
    store(folder, range(count))
    few, many = peak_mib(folder, 300), peak_mib(folder, count)
    print(f"peak memory: {few:.0f} MiB for 300 frames, {many:.0f} MiB for {count}")
    assert many < 1.1 * few
