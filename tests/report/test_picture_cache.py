import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest

from farm.records import evenly_spaced
from farm.report import PictureCache
from farm.store import JobFolder, file_name
from tests.report.conftest import flat, save, store


class Counting(JobFolder):
    def __init__(self, url):
        super().__init__(url)
        self.reads = []

    def read(self, name):
        self.reads.append(name)
        return super().read(name)


@pytest.fixture
def folder(tmp_path):
    return Counting(str(tmp_path / "job"))


def test_the_finished_frames_are_shown_in_order(folder):
    store(folder, [3, 1, 0])
    shown = PictureCache(folder, 5).pictures([3, 0, 1])
    assert [picture.frame for picture in shown.pictures] == [0, 1, 3]
    assert shown.unreadable == ()


def test_more_than_300_frames_are_thinned_evenly(folder):
    store(folder, evenly_spaced(1000, 300))
    frames = [picture.frame for picture in PictureCache(folder, 1000).pictures(range(1000)).pictures]
    assert (len(frames), frames[0], frames[-1]) == (300, 0, 999)
    assert {later - frame for frame, later in pairwise(frames)} == {3, 4}


def test_a_frame_is_read_once_per_run_apart_from_samples(folder):
    store(folder, range(8))
    cache = PictureCache(folder, 8)
    cache.pictures(range(4))
    folder.reads.clear()
    assert len(cache.pictures(range(8)).pictures) == 8
    assert folder.reads == [file_name(frame) for frame in range(4, 8)]


def test_an_unreadable_frame_is_reported_and_read_again(folder):
    store(folder, range(3))
    folder.write(file_name(1), b"no picture")
    cache = PictureCache(folder, 3)
    shown = cache.pictures(range(3))
    assert [picture.frame for picture in shown.pictures] == [0, 2]
    (span,) = shown.unreadable
    assert (span.first, span.last) == (1, 1)
    assert span.reason.startswith(f"{folder.path(file_name(1))}: not an intact PNG (")
    save(folder, 1, flat(1))
    shown = cache.pictures(range(3))
    assert ([picture.frame for picture in shown.pictures], shown.unreadable) == ([0, 1, 2], ())


def test_a_job_without_readable_frames_has_no_pictures(folder):
    shown = PictureCache(folder, 2).pictures(range(2))
    assert shown.pictures == ()
    assert [span.first for span in shown.unreadable] == [0, 1]


def test_pictures_stay_within_the_budget_even_if_the_sample_was_small(folder):
    random = np.random.default_rng(0)
    store(folder, range(4), 256, 256)
    cache = PictureCache(folder, 12, budget=100_000)
    cache.pictures(range(4))
    for frame in range(4, 12):
        save(folder, frame, random.integers(0, 256, (256, 256, 3), dtype=np.uint8))
    shown = cache.pictures(range(12))
    assert len(shown.pictures) == 12
    assert sum(len(picture.webp) for picture in shown.pictures) <= 100_000


MEASURE = """
import sys
from itertools import pairwise
from pathlib import Path
from farm.report.pictures import PictureCache
from farm.store import JobFolder

count = int(sys.argv[2])
PictureCache(JobFolder(sys.argv[1]), count).pictures(range(count))
status = Path("/proc/self/status").read_text().split("\\n")
print(next(line.split()[1] for line in status if line.startswith("VmHWM")))
"""


def peak_mib(folder, count):
    command = [sys.executable, "-c", MEASURE, folder.path(""), str(count)]
    return int(subprocess.check_output(command, text=True)) / 1024


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_twenty_times_the_frames_take_at_most_the_budget_more_memory(folder):
    store(folder, range(200), 384, 384)
    assert peak_mib(folder, 200) < peak_mib(folder, 10) + 16
