import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from farm.records import Mp4Spec
from farm.reduce.mp4 import Mp4Writer

ROOT = Path(__file__).parents[2]


def write(path, frames, **spec):
    writer = Mp4Writer(path, Mp4Spec(**({"fps": 30.0, "crf": 12, "preset": "medium"} | spec)))
    for pixels in frames:
        writer.add(pixels)
    writer.close()
    return path


def read(path):
    with av.open(str(path)) as container:
        return list(container.decode(video=0))


def test_every_frame_is_present_in_order_and_looks_like_its_source(tmp_path, draw):
    sources = [draw(index) for index in range(20)]
    frames = read(write(tmp_path / "a.mp4", sources))
    differences = [
        np.abs(frame.to_ndarray(format="rgb24").astype(int) - source).mean()
        for frame, source in zip(frames, sources, strict=True)
    ]
    assert max(differences) < 3, f"mean absolute difference {max(differences):.2f}, allowed 3"


@pytest.mark.parametrize(
    ("fps", "rate"),
    [
        (30.0, Fraction(30)),
        (29.97, Fraction(2997, 100)),
        (30000 / 1001, Fraction(30000, 1001)),
        (0.5, Fraction(1, 2)),
    ],
)
def test_frames_have_exactly_the_requested_rate(tmp_path, draw, fps, rate):
    path = write(tmp_path / "a.mp4", [draw(index) for index in range(5)], fps=fps)
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        times = [frame.pts * frame.time_base for frame in container.decode(stream)]
        assert times == [index / rate for index in range(5)]
        assert stream.duration * stream.time_base == 5 / rate
        assert stream.average_rate == rate


def test_odd_sizes_are_made_even_with_a_copy_of_the_edge(tmp_path):
    pixels = np.full((63, 65, 3), (40, 90, 160), np.uint8)
    [frame] = read(write(tmp_path / "a.mp4", [pixels], crf=4))
    decoded = frame.to_ndarray(format="rgb24")
    assert decoded.shape == (64, 66, 3)
    assert np.abs(decoded[-1, -1].astype(int) - (40, 90, 160)).max() <= 3


@pytest.mark.parametrize(
    "color", [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0), (200, 120, 40)]
)
def test_colors_are_converted_by_the_matrix_that_the_file_names(tmp_path, color):
    [frame] = read(write(tmp_path / "a.mp4", [np.full((32, 32, 3), color, np.uint8)], crf=4))
    luma = 16 + 219 / 255 * np.dot(color, (0.2126, 0.7152, 0.0722))  # ITU-R BT.709-6, section 3
    assert abs(frame.to_ndarray()[16, 16] - luma) <= 1
    assert np.abs(frame.to_ndarray(format="rgb24")[16, 16].astype(int) - color).max() <= 3


def test_colors_are_tagged_as_bt709_in_limited_range(tmp_path, draw):
    with av.open(str(write(tmp_path / "a.mp4", [draw(0)]))) as container:
        context = container.streams.video[0].codec_context
        assert (context.colorspace, context.color_primaries, context.color_trc, context.color_range) == (
            1,
            1,
            1,
            1,
        )
        assert context.pix_fmt == "yuv420p"


def test_the_index_precedes_the_pictures_so_that_browsers_start_at_once(tmp_path, draw):
    data = write(tmp_path / "a.mp4", [draw(0), draw(1)]).read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


def test_the_same_frames_give_the_same_bytes(tmp_path, draw):
    frames = [draw(index) for index in range(30)]
    one, other = write(tmp_path / "a.mp4", frames), write(tmp_path / "b.mp4", frames)
    assert one.read_bytes() == other.read_bytes()


def test_a_lower_crf_gives_a_larger_file(tmp_path, draw):
    frames = [draw(index) for index in range(10)]
    fine, coarse = write(tmp_path / "a.mp4", frames, crf=10), write(tmp_path / "b.mp4", frames, crf=40)
    assert fine.stat().st_size > coarse.stat().st_size


def test_closing_without_a_frame_writes_nothing(tmp_path):
    assert not write(tmp_path / "a.mp4", []).exists()


_WRITE_ONE = """
import sys
from pathlib import Path
from tests.reduce.conftest import draw
from farm.records import Mp4Spec
from farm.reduce.mp4 import Mp4Writer
writer = Mp4Writer(Path(sys.argv[1]), Mp4Spec(fps=30.0, crf=18, preset="veryfast"))
for index in range(12):
    writer.add(draw(index))
writer.close()
"""


def test_uninitialized_memory_does_not_change_the_bytes(tmp_path):
    files = []
    for fill in ("0", "77", "201"):  # glibc fills new memory with it, which exposes uninitialized reads
        path = tmp_path / f"{fill}.mp4"
        subprocess.run(
            [sys.executable, "-c", _WRITE_ONE, str(path)],
            env=os.environ | {"MALLOC_PERTURB_": fill},
            cwd=ROOT,
            check=True,
        )
        files.append(path.read_bytes())
    assert files[0] == files[1] == files[2]
