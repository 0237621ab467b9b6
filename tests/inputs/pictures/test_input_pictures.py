import os
from fractions import Fraction
from io import BytesIO
from pathlib import Path

import av
import pytest
from PIL import Image

from farm.errors import ManifestError
from farm.inputs.pictures.find import find_pictures, relative_pictures
from farm.inputs.resolved import PictureInputs, ResolvedInputs
from farm.rules.context import Context
from farm.rules.load import load
from farm.rules.pictures import canvas_findings
from farm.rules.registry import problems_of
from tests.pictures import draw, huge_png, save_mp4, save_sequence

MANIFEST = """\
version: 1
name: film
model: {{pipeline: {pipeline}, pretrained: tiny-world}}
animation: {{kind: interpolate, prompts: [a fish, a cat], frames: {frames}}}
render:
{render}
"""
NEEDED = (
    "needed: a picture of up to 8192x8192 pixels, a folder or pattern of them (frames/*.png, frames/%04d.png), or a "
    "video; relative to the manifest, or absolute."
)


@pytest.fixture
def written(tmp_path):
    """Write a manifest of 12 frames with these lines in its `render` section, and load it."""

    def write(*lines, frames=12, pipeline="StableDiffusionInpaintPipeline"):
        path = tmp_path / "film.yaml"
        path.write_text(
            MANIFEST.format(frames=frames, pipeline=pipeline, render="\n".join(f"  {line}" for line in lines))
        )
        return load(path)

    return write


@pytest.fixture
def find_picture(written, tmp_path):
    """Find the picture of a manifest."""
    draw(0).save(tmp_path / "mask.png")

    def find(text, **options):
        return find_pictures(written(f"image: '{text}'", "mask_image: mask.png", **options))[text]

    return find


@pytest.fixture
def refusal(find_picture, tmp_path):
    """Return the message about a picture, without its location."""

    def refuse(text, **options):
        with pytest.raises(ManifestError) as refused:
            find_picture(text, **options)
        [problem] = refused.value.problems
        start = f"{tmp_path}/film.yaml:6:3: render.image: "
        assert str(problem).startswith(start)
        return str(problem).removeprefix(start)

    return refuse


def names(source):
    return [Path(file.location).name for file in source.files]


def test_a_single_picture_is_used_for_all_frames(find_picture, tmp_path):
    draw(1).save(tmp_path / "dog.png")
    source = find_picture("dog.png")
    [file] = source.files
    assert (file.location, file.width, file.height, file.count) == (str(tmp_path / "dog.png"), 48, 32, 1)
    assert not source.moves
    assert source.at(11) == source.at(0)


def test_a_photograph_has_its_displayed_size(find_picture, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    draw(1).save(tmp_path / "dog.jpg", exif=exif)
    [file] = find_picture("dog.jpg").files
    assert (file.width, file.height) == (32, 48)


@pytest.mark.parametrize("text", ["frames", "frames/", "frames/*.png", "frames/frame%d.png"])
def test_a_sequence_is_in_numeric_order(find_picture, tmp_path, text):
    (save_sequence(tmp_path / "frames", 12) / "notes.txt").write_text("mine")
    (tmp_path / "frames" / "._frame1.png").write_text("a system's own")
    source = find_picture(text)
    assert source.moves
    assert names(source) == [f"frame{number}.png" for number in range(12)]
    assert source.at(10).location == str(tmp_path / "frames" / "frame10.png")


def test_numbers_with_a_width_match_as_printf_prints_them(find_picture, tmp_path):
    folder = save_sequence(tmp_path / "frames", 12, "{:02d}.png")
    for other in ("1.png", "001.png", "1x.png"):
        (folder / other).write_text("another")
    assert names(find_picture("frames/%02d.png")) == [f"{number:02d}.png" for number in range(12)]


def test_a_numbered_sequence_begins_at_its_lowest_number(find_picture, tmp_path):
    folder = save_sequence(tmp_path / "frames", 20, "{:04d}.png")
    for number in range(5):
        (folder / f"{number:04d}.png").unlink()
    assert names(find_picture("frames/%04d.png")) == [f"{number:04d}.png" for number in range(5, 17)]


def test_a_gap_in_a_numbered_sequence_is_reported(refusal, tmp_path):
    (save_sequence(tmp_path / "frames", 20, "{:04d}.png") / "0007.png").unlink()
    assert refusal("frames/%04d.png") == (
        f"{tmp_path}/frames/%04d.png matches numbers from 0 to 19, but 7 is missing; {NEEDED}"
    )


def test_a_file_named_like_a_pattern_is_found_by_its_name(find_picture, tmp_path):
    draw(1).save(tmp_path / "100%d [a].png")
    assert names(find_picture("100%d [a].png")) == ["100%d [a].png"]


@pytest.mark.parametrize("name", ["a.mp4", "a.gif", "no suffix"])
def test_a_video_has_a_picture_for_each_frame(find_picture, tmp_path, name):
    if name == "a.gif":
        first, *rest = map(draw, range(12))
        first.save(tmp_path / name, save_all=True, append_images=rest)
    else:
        save_mp4(tmp_path / "a.mp4", 15).rename(tmp_path / name)
    source = find_picture(name)
    assert (source.moves, source.count, source.files[0].width, source.files[0].height) == (True, 12, 48, 32)
    assert [source.at(frame).index for frame in (0, 11)] == [0, 11]


def test_a_sequence_or_video_of_one_picture_is_used_for_all_frames(find_picture, tmp_path):
    save_sequence(tmp_path / "frames", 1)
    save_mp4(tmp_path / "a.mp4", 1)
    assert not find_picture("frames").moves
    assert not find_picture("a.mp4").moves


def test_fewer_pictures_than_frames_are_reported(refusal, tmp_path):
    save_sequence(tmp_path / "frames", 11)
    save_mp4(tmp_path / "a.mp4", 11)
    for text in ("frames/*.png", "a.mp4"):
        assert refusal(text) == (
            f"{text} has 11 pictures, the animation 12 frames; "
            "needed: at least one picture for each frame, or a single one for all."
        )


def test_pictures_next_to_the_manifest_are_found_from_any_current_directory(
    find_picture, tmp_path, monkeypatch
):
    draw(1).save(tmp_path / "dog.png")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert (
        find_picture("elsewhere/../dog.png").files[0].sha256
        == find_picture(str(tmp_path / "dog.png")).files[0].sha256
    )


def test_a_missing_file_is_reported_with_a_similar_name(refusal, tmp_path):
    draw(1).save(tmp_path / "dogs.png")
    assert refusal("dog.png") == f"there is no file {tmp_path}/dog.png; {NEEDED} Did you mean 'dogs.png'?"


def test_an_empty_folder_or_pattern_is_reported(refusal, tmp_path):
    (tmp_path / "frames").mkdir()
    assert refusal("frames") == (
        f"{tmp_path}/frames is a folder without pictures "
        f"(.png, .jpg, .jpeg, .webp, .bmp, .tif, .tiff, .ppm, .avif); {NEEDED}"
    )
    for text in ("frames/*.png", "frames/%04d.png", "missing/*.png"):
        what = "cannot be read: No such file or directory" if "missing" in text else ""
        expected = f"{tmp_path}/{text} {what}" if what else f"no file matches {tmp_path}/{text}"
        assert refusal(text) == f"{expected}; {NEEDED}"


def test_pictures_of_different_sizes_are_reported(refusal, tmp_path):
    draw(5, width=64).save(save_sequence(tmp_path / "frames", 12) / "frame5.png")
    assert refusal("frames") == (
        f"{tmp_path}/frames/frame5.png is 64x32, the sequence's first picture 48x32; {NEEDED}"
    )


def test_pictures_of_different_sizes_in_a_video_are_reported(refusal, tmp_path):
    with av.open(str(tmp_path / "a.avi"), "w") as container:
        stream = container.add_stream("mjpeg", rate=30)
        stream.width, stream.height, stream.pix_fmt = 48, 32, "yuvj420p"
        for number in range(12):
            jpeg = BytesIO()
            draw(number, width=64 if number == 7 else 48).save(jpeg, "jpeg")
            packet = av.Packet(jpeg.getvalue())
            packet.stream, packet.pts, packet.dts = stream, number, number
            packet.time_base = Fraction(1, 30)
            container.mux(packet)
    assert refusal("a.avi") == (
        f"{tmp_path}/a.avi cannot be read: picture 7 is 64x32, the first 48x32; {NEEDED}"
    )


def test_videos_in_a_sequence_are_reported(refusal, tmp_path):
    save_mp4(save_sequence(tmp_path / "frames", 12) / "frame5.png", 3)
    assert refusal("frames") == (
        f"{tmp_path}/frames/frame5.png contains several pictures, but each file of a sequence must contain "
        f"one; {NEEDED}"
    )


def hostile(path, what):
    match what:
        case "50,000 x 50,000 pixels":
            path.write_bytes(huge_png(50_000, 50_000))
        case "8,200 pixels wide":
            path.write_bytes(huge_png(8_200, 8))
        case "truncated":
            draw(1).save(path, compress_level=0)
            path.write_bytes(path.read_bytes()[:2000])
        case "a text":
            path.write_text("not a picture")
        case "empty":
            path.touch()
        case "a list of other files":
            save_mp4(path.with_name("other.mp4"), 12)
            path.write_text("ffconcat version 1.0\nfile other.mp4\n")
        case "a video 8,200 pixels wide":
            save_mp4(path.with_name("wide.mp4"), 1, width=8_200).rename(path)
        case "PostScript":
            path.write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n")
        case "a video truncated":
            path.write_bytes(save_mp4(path.with_suffix(".mp4"), 3).read_bytes()[:500])
        case "a pipe":
            os.mkfifo(path)
        case "a device":
            path.symlink_to("/dev/zero")
        case "a loop of links":
            path.symlink_to(path)
        case "a link to nothing":
            path.symlink_to("missing")


HOSTILE = {
    "50,000 x 50,000 pixels": "more than 8192 pixels a side",
    "8,200 pixels wide": "more than 8192 pixels a side",
    "truncated": "image file is truncated",
    "a text": "neither a picture nor an intact video",
    "empty": "neither a picture nor an intact video",
    "a video 8,200 pixels wide": "more than 8192 pixels a side",
    "a list of other files": "neither a picture nor an intact video",
    "PostScript": "neither a picture nor an intact video",
    "a video truncated": "neither a picture nor an intact video",
    "a pipe": "not a regular file",
    "a device": "not a regular file",
    "a loop of links": "Too many levels of symbolic links",
    "a link to nothing": "No such file or directory",
}


@pytest.mark.timeout(30)
@pytest.mark.parametrize("what", HOSTILE)
def test_an_invalid_picture_is_reported_without_decoding_or_blocking(refusal, tmp_path, what):
    hostile(tmp_path / "dog.png", what)
    assert refusal("dog.png") == f"{tmp_path}/dog.png cannot be read: {HOSTILE[what]}; {NEEDED}"


def test_an_impossible_file_name_is_reported(refusal, tmp_path):
    assert refusal("x" * 300) == f"{tmp_path}/{'x' * 300} cannot be read: File name too long; {NEEDED}"


def test_all_mistakes_are_reported_together_at_their_fields(written, tmp_path):
    document = written("image: missing.png", "mask_image: {file: missing.png}")
    with pytest.raises(ManifestError) as refused:
        find_pictures(document)
    missing = f"there is no file {tmp_path}/missing.png; {NEEDED}"
    assert str(refused.value) == (
        f"{tmp_path}/film.yaml:6:3: render.image: {missing}\n"
        f"{tmp_path}/film.yaml:7:16: render.mask_image.file: {missing}"
    )


def check_canvas(document):
    pictures = PictureInputs(sources=find_pictures(document), contents=None)
    inputs = ResolvedInputs(model=None, pictures=pictures, scoring=None)
    problems = problems_of(document, canvas_findings(Context(manifest=document.manifest, inputs=inputs)))
    if problems:
        raise ManifestError(problems)


def test_an_unsupported_canvas_size_is_reported_with_the_nearest_margins(written, tmp_path):
    draw(1).save(tmp_path / "dog.png")
    with pytest.raises(ManifestError) as refused:
        check_canvas(written("image: dog.png", "expand: {left: 13, bottom: 3}"))
    place = f"{tmp_path}/film.yaml:7:3: render.expand: "
    assert str(refused.value) == (
        f"{place}the canvas is 61 pixels wide; needed: a multiple of 8, up to 8192. Nearest: left: 8 or left: 16.\n"
        f"{place}the canvas is 35 pixels high; needed: a multiple of 8, up to 8192. Nearest: bottom: 0 or bottom: 8."
    )


def test_a_picture_of_an_unsupported_width_is_reported_with_the_margin_to_add(written, tmp_path):
    draw(1, width=45).save(tmp_path / "dog.png")
    with pytest.raises(ManifestError, match=r"45 pixels wide; .*\. Nearest: right: 3\.$"):
        check_canvas(written("image: dog.png", "expand: {top: 8}"))


def test_a_canvas_above_the_size_limit_is_reported(written, tmp_path):
    draw(1).save(tmp_path / "dog.png")
    with pytest.raises(
        ManifestError, match=r"canvas is 8240 pixels wide; needed: a multiple of 8, up to 8192\.$"
    ):
        check_canvas(written("image: dog.png", "expand: {left: 8192}"))


def test_a_canvas_that_fits_or_is_scaled_is_accepted(written, tmp_path):
    draw(1).save(tmp_path / "dog.png")
    check_canvas(written("image: dog.png", "expand: {left: 8, right: 16}"))
    check_canvas(written("image: dog.png", "expand: {left: 3}", "width: 64"))


def test_relative_pictures_are_uploaded_up_to_the_length_of_the_animation(written, tmp_path):
    draw(1).save(tmp_path / "mask.png")
    save_sequence(tmp_path / "frames", 20)
    assert relative_pictures(written("image: frames/*.png", "mask_image: mask.png")) == [
        *(tmp_path / "frames" / f"frame{number}.png" for number in range(12)),
        tmp_path / "mask.png",
    ]


def test_pictures_with_absolute_paths_are_not_uploaded_and_need_not_exist(written):
    assert relative_pictures(written("image: /shared/frames/*.png", "mask_image: ~/mask.png")) == []


def test_pictures_outside_the_manifests_folder_cannot_be_uploaded(written, tmp_path):
    with pytest.raises(ManifestError) as refused:
        relative_pictures(written("image: ../dog.png", "mask_image: /shared/mask.png"))
    assert str(refused.value) == (
        f"{tmp_path}/film.yaml:6:3: render.image: ../dog.png is outside the manifest's folder, and would not be "
        "uploaded with it; needed: a path within the manifest's folder, or an absolute path that the cluster shares."
    )
