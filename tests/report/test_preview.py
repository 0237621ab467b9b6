import io

import numpy as np
import pytest
from PIL import Image

from farm.report import write_preview
from farm.report.pictures import poster_of
from tests.report.conftest import colour, store


def preview(folder):
    return Image.open(io.BytesIO(folder.read("preview.webp")))


def is_close(pixel, frame):
    return max(abs(int(a) - b) for a, b in zip(pixel, colour(frame), strict=True)) < 8


def test_a_preview_has_at_most_60_frames_of_96_pixels_from_the_first_to_the_last(folder):
    store(folder, range(150), 64, 128)
    assert write_preview(folder, range(150)) == len(folder.read("preview.webp"))
    with preview(folder) as animation:
        assert (animation.n_frames, animation.size, animation.info["loop"]) == (60, (96, 48), 0)
        assert is_close(animation.convert("RGB").getpixel((40, 20)), 0)
        animation.seek(59)
        assert is_close(animation.convert("RGB").getpixel((40, 20)), 149)


def test_small_frames_are_not_enlarged(folder):
    store(folder, range(2), 16, 16)
    write_preview(folder, [1, 0])
    with preview(folder) as animation:
        assert (animation.size, animation.n_frames) == ((16, 16), 2)


def test_an_unreadable_frame_is_omitted(folder):
    store(folder, range(3))
    folder.write("frames/frame000001.png", b"no picture")
    write_preview(folder, range(3))
    with preview(folder) as animation:
        assert animation.n_frames == 2


@pytest.mark.parametrize("frames", [[], [0]])
def test_without_readable_frames_there_is_no_preview(folder, frames):
    folder.write("preview.webp", b"earlier")
    assert write_preview(folder, frames) == 0
    assert not folder.exists("preview.webp")


def test_the_poster_is_the_first_picture(folder):
    store(folder, range(10), 64, 64)
    write_preview(folder, range(10))
    data, width, height = poster_of(folder.read("preview.webp"))
    assert (width, height) == (64, 64)
    with Image.open(io.BytesIO(data)) as poster:
        assert poster.n_frames == 1
        assert is_close(poster.convert("RGB").getpixel((30, 30)), 0)


def huge():
    buffer = io.BytesIO()
    Image.fromarray(np.zeros((200, 200, 3), np.uint8)).save(buffer, format="webp")
    return buffer.getvalue()


@pytest.mark.parametrize("data", [b"", b"RIFF", huge(), huge()[:40]])
def test_an_invalid_preview_has_no_poster(data):
    assert poster_of(data) is None
