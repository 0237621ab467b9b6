import os
import platform
import shutil
from pathlib import Path

import av
import cv2
import numpy as np
import psutil
import pytest
from diffusers.utils import load_image
from PIL import Image

from farm.errors import RenderError
from farm.inputs.pictures import decode
from farm.records import CannySpec, ExpandSpec
from farm.render import pictures as input_pictures
from farm.render.pictures import PictureReader
from tests.pictures import draw, picture_of, save_mp4, save_sequence, turned


@pytest.fixture
def read():
    """Read a file's picture as pixels."""
    reader = PictureReader()

    def pixels(path, index=0, prepare=None):
        return np.asarray(reader.open(picture_of(path, index, prepare)))

    return pixels


def save_exif(path):
    exif = Image.Exif()
    exif[0x0112] = 6  # to be displayed a quarter turn clockwise
    draw(3).save(path, exif=exif)


def save_palette(path):
    draw(3).quantize(16).save(path, transparency=bytes(range(0, 256, 16)))


STILLS = {
    "a.png": lambda path: draw(3).save(path),
    "a.jpg": lambda path: draw(3).save(path, quality=90),
    "turned.jpg": save_exif,
    "a.webp": lambda path: draw(3).save(path),
    "a.bmp": lambda path: draw(3).save(path),
    "a.tif": lambda path: draw(3).save(path),
    "grey.png": lambda path: draw(3).convert("L").save(path),
    "black and white.png": lambda path: draw(3).convert("1").save(path),
    "alpha.png": lambda path: Image.merge("RGBA", (*draw(3).split(), draw(5).convert("L"))).save(path),
    "grey alpha.png": lambda path: Image.merge("LA", (draw(3).convert("L"),) * 2).save(path),
    "palette.png": save_palette,
    "cmyk.jpg": lambda path: draw(3).convert("CMYK").save(path),
}


@pytest.mark.parametrize("name", STILLS)
@pytest.mark.filterwarnings("ignore:Palette images with Transparency")
def test_a_picture_is_the_one_that_diffusers_loads(read, tmp_path, name):
    STILLS[name](tmp_path / name)
    np.testing.assert_array_equal(read(tmp_path / name), np.asarray(load_image(str(tmp_path / name))))


def test_a_photograph_is_rotated_by_its_exif_orientation(read, tmp_path):
    save_exif(tmp_path / "a.jpg")
    assert read(tmp_path / "a.jpg").shape == (48, 32, 3)


@pytest.mark.parametrize("beyond", [0, 256])
def test_sixteen_bits_of_grey_keep_their_shades(read, tmp_path, beyond):
    grey = np.asarray(draw(3).convert("L"))
    deep = np.minimum(grey.astype(np.uint32) * 257 + beyond, 65535)
    Image.fromarray(deep.astype(np.uint16)).save(tmp_path / "depth.png")
    np.testing.assert_array_equal(read(tmp_path / "depth.png"), np.stack([grey] * 3, axis=2))


def test_grey_of_unknown_scale_is_refused(read, tmp_path):
    Image.fromarray(np.ones((8, 8), np.float32)).save(tmp_path / "depth.tif")
    with pytest.raises(RenderError, match="32 bits a pixel, with no defined white; save it with 8"):
        read(tmp_path / "depth.tif")


ANIMATED = {
    "a.gif": lambda path: save_animated(path),
    "a.webp": lambda path: save_animated(path, lossless=True),
    "a.png": lambda path: save_animated(path),
    "a.mp4": lambda path: save_mp4(path, 12),
}


def moving(number):
    """Draw a square that moves over a still ramp: animated formats store changed areas."""
    picture = draw(0)
    picture.paste((255, 200, 0), (3 * number, number, 3 * number + 8, number + 8))
    return picture


def save_animated(path, **options):
    first, *rest = map(moving, range(12))
    first.save(path, save_all=True, append_images=rest, duration=40, **options)


@pytest.mark.parametrize("name", ANIMATED)
def test_pictures_of_a_video_are_the_same_in_any_order(read, tmp_path, name):
    ANIMATED[name](tmp_path / name)
    in_order = [read(tmp_path / name, index) for index in range(12)]
    for number, picture in enumerate(in_order):
        expected = np.asarray(draw(number) if name == "a.mp4" else moving(number))
        assert np.abs(picture.astype(int) - expected).mean() < {"a.gif": 5, "a.mp4": 3}.get(name, 1e-9)
    fresh = PictureReader()
    for index in (7, 3, 3, 11, 0, 8):
        np.testing.assert_array_equal(
            np.asarray(fresh.open(picture_of(tmp_path / name, index))), in_order[index]
        )


def test_pictures_of_a_video_equal_those_that_ffmpeg_decodes(read, tmp_path):
    video = save_mp4(tmp_path / "a.mp4", 5)
    with av.open(str(video)) as container:
        decoded = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    for index, picture in enumerate(decoded):
        np.testing.assert_array_equal(read(video, index), picture)


def test_a_video_from_a_phone_is_rotated_for_display(read, tmp_path):
    upright = read(save_mp4(tmp_path / "upright.mp4", 2), 1)
    np.testing.assert_array_equal(
        read(turned(save_mp4(tmp_path / "turned.mp4", 2)), 1), np.rot90(upright, k=-1)
    )


def test_a_picture_for_all_frames_is_decoded_once(tmp_path, monkeypatch):
    draw(3).save(tmp_path / "a.png")
    opened, original = [], Image.open
    monkeypatch.setattr(
        Image, "open", lambda path, **options: opened.append(path) or original(path, **options)
    )
    reader = PictureReader()
    edges, mask = (
        CannySpec(low_threshold=1, high_threshold=2),
        ExpandSpec(left=8, right=0, top=0, bottom=0, part="mask"),
    )
    for prepare in (None, edges, mask) * 20:
        reader.open(picture_of(tmp_path / "a.png", 0, prepare))
    assert opened == [tmp_path / "a.png"]


def test_a_video_read_in_order_is_opened_once_despite_pictures_and_other_videos(tmp_path, monkeypatch):
    one, other = save_mp4(tmp_path / "one.mp4", 30), save_mp4(tmp_path / "other.mp4", 30)
    folder = save_sequence(tmp_path / "frames", 30)
    opened, original = [], av.open
    monkeypatch.setattr(av, "open", lambda path, **options: opened.append(path) or original(path, **options))
    reader = PictureReader()
    for index in range(30):
        for picture in (
            picture_of(one, index),
            picture_of(other, index),
            picture_of(folder / f"frame{index}.png"),
        ):
            reader.open(picture)
    assert opened == [str(one), str(other)]


def test_the_most_recently_used_pictures_are_cached_up_to_a_limit_of_bytes(tmp_path, monkeypatch):
    monkeypatch.setattr(input_pictures, "_CACHED_BYTES", 3 * (48 * 32 * 3))
    folder, reader = save_sequence(tmp_path / "frames", 4), PictureReader()
    draw(9, width=480, height=320).save(tmp_path / "large.png")
    opened, original = [], Image.open
    monkeypatch.setattr(
        Image, "open", lambda path, **options: opened.append(path.name) or original(path, **options)
    )

    def again(*numbers):
        opened.clear()
        for number in numbers:
            reader.open(picture_of(folder / f"frame{number}.png"))
        return list(opened)

    assert again(0, 1, 2, 0, 1, 2) == ["frame0.png", "frame1.png", "frame2.png"]
    assert again(3, 1, 2, 0) == ["frame3.png", "frame0.png"]
    for _ in range(2):
        reader.open(picture_of(tmp_path / "large.png"))
    assert opened[2:] == ["large.png"]
    assert again(0) == ["frame0.png"]


def test_a_long_sequence_and_many_videos_leave_few_files_open(tmp_path):
    def open_here():
        return [
            file.path for file in psutil.Process().open_files() if Path(file.path).is_relative_to(tmp_path)
        ]

    folder = save_sequence(tmp_path / "frames", 40)
    reader = PictureReader()
    for index in range(40):
        reader.open(picture_of(folder / f"frame{index}.png"))
    assert open_here() == []
    for number in range(9):
        reader.open(picture_of(save_mp4(tmp_path / f"{number}.mp4", 3), 1))
    assert len(open_here()) <= 4


def test_the_least_recently_read_video_is_closed_when_too_many_are_open(tmp_path, monkeypatch):
    closed, original = [], decode.VideoFilm.close
    monkeypatch.setattr(
        decode.VideoFilm, "close", lambda film: closed.append(film._path.name) or original(film)
    )
    videos, reader = [save_mp4(tmp_path / f"{number}.mp4", 3) for number in range(6)], PictureReader()
    for video, index in (*((video, 0) for video in videos[:4]), (videos[0], 1)):
        reader.open(picture_of(video, index))
    assert closed == []
    for video in videos[4:]:
        reader.open(picture_of(video))
    assert closed == ["1.mp4", "2.mp4"]


def test_edges_equal_those_of_opencv_in_diffusers_guide(read, tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (24, 40, 3), np.uint8)
    Image.fromarray(noise).resize((160, 96)).save(tmp_path / "a.png")
    image = np.asarray(load_image(str(tmp_path / "a.png")))
    edges = cv2.Canny(image, 100, 200)[:, :, None]
    assert 0.05 < (edges > 0).mean() < 0.5
    np.testing.assert_array_equal(
        read(tmp_path / "a.png", 0, CannySpec(low_threshold=100, high_threshold=200)),
        np.concatenate([edges, edges, edges], axis=2),
    )


def test_a_canvas_extends_the_pictures_edge(read, tmp_path):
    draw(3).save(tmp_path / "a.png")
    image = np.asarray(draw(3))
    canvas = read(tmp_path / "a.png", 0, ExpandSpec(left=16, right=8, top=24, bottom=0, part="canvas"))
    assert canvas.shape == (24 + 32, 16 + 48 + 8, 3)
    np.testing.assert_array_equal(canvas[24:, 16:64], image)
    np.testing.assert_array_equal(canvas[30, :16], np.tile(image[6, 0], (16, 1)))
    np.testing.assert_array_equal(canvas[:24, 20], np.tile(image[0, 4], (24, 1)))
    np.testing.assert_array_equal(canvas[0, -1], image[0, -1])


def test_the_mask_covers_the_seam_only_where_pixels_were_added(read, tmp_path):
    draw(3).save(tmp_path / "a.png")
    mask = read(tmp_path / "a.png", 0, ExpandSpec(left=16, right=0, top=0, bottom=24, part="mask"))
    expected = np.full((32 + 24, 16 + 48, 3), 255, np.uint8)
    expected[: 32 - 8, 16 + 8 :] = 0
    np.testing.assert_array_equal(mask, expected)


def test_a_mask_of_a_picture_smaller_than_the_seam_is_white(read, tmp_path):
    draw(3, width=12, height=12).save(tmp_path / "a.png")
    assert read(tmp_path / "a.png", 0, ExpandSpec(left=4, right=4, top=0, bottom=0, part="mask")).min() == 255


def test_a_changed_file_is_not_used(tmp_path):
    draw(3).save(tmp_path / "a.png")
    picture = picture_of(tmp_path / "a.png")
    draw(4).save(tmp_path / "a.png")
    with pytest.raises(RenderError) as refused:
        PictureReader().open(picture)
    assert str(refused.value) == (
        f"{tmp_path}/a.png: on {platform.node()} this file is not the one that the run started with. Use the same "
        "files on every machine, do not change them during a run, and run again."
    )


def test_a_video_changed_during_reading_is_not_used(tmp_path):
    video, reader = save_mp4(tmp_path / "a.mp4", 5), PictureReader()
    pictures = [picture_of(video, index) for index in range(5)]
    first = np.asarray(reader.open(pictures[0]))
    kept = shutil.copy(video, tmp_path / "kept.mp4")
    save_mp4(video, 4)
    with pytest.raises(RenderError, match="is not the one that the run started with"):
        reader.open(pictures[1])
    shutil.copy(kept, video)
    assert np.abs(np.asarray(reader.open(pictures[1])).astype(int) - first)[..., 2].mean() == pytest.approx(
        11, abs=4
    )


def test_a_replaced_video_is_read_again(tmp_path):
    video, reader = save_mp4(tmp_path / "a.mp4", 5), PictureReader()
    reader.open(picture_of(video, 0))
    save_mp4(video, 7, width=64)
    assert reader.open(picture_of(video, 1)).width == 64


def test_a_file_missing_on_this_machine_is_reported_with_a_remedy(tmp_path):
    draw(3).save(tmp_path / "a.png")
    picture = picture_of(tmp_path / "a.png")
    (tmp_path / "a.png").unlink()
    with pytest.raises(RenderError) as refused:
        PictureReader().open(picture)
    assert str(refused.value) == (
        f"On {platform.node()}: {tmp_path}/a.png cannot be read: No such file or directory. Put input images at the "
        "same path on every machine, and run again."
    )


@pytest.mark.timeout(30)
def test_a_pipe_instead_of_a_picture_does_not_block(tmp_path):
    draw(3).save(tmp_path / "a.png")
    picture = picture_of(tmp_path / "a.png")
    (tmp_path / "a.png").unlink()
    os.mkfifo(tmp_path / "a.png")
    with pytest.raises(RenderError, match="a.png cannot be read: not a regular file"):
        PictureReader().open(picture)


@pytest.mark.parametrize("name", ["a.gif", "a.mp4", "still.png"])
def test_a_picture_past_the_end_is_reported(tmp_path, name):
    path = tmp_path / name
    draw(1).save(path) if name == "still.png" else ANIMATED[name](path)
    with pytest.raises(RenderError, match=f"{name} cannot be read: it has no picture 12"):
        PictureReader().open(picture_of(path, 12))
