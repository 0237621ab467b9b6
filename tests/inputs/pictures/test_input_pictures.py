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
def found(written, tmp_path):
    """Find the image of a manifest."""
    draw(0).save(tmp_path / "mask.png")

    def find(text, **options):
        return find_pictures(written(f"image: '{text}'", "mask_image: mask.png", **options))[text]

    return find


@pytest.fixture
def told(found, tmp_path):
    """Return what is said of an image, after its place."""

    def tell(text, **options):
        with pytest.raises(ManifestError) as refused:
            found(text, **options)
        [problem] = refused.value.problems
        start = f"{tmp_path}/film.yaml:6:3: render.image: "
        assert str(problem).startswith(start)
        return str(problem).removeprefix(start)

    return tell


def names(source):
    return [Path(file.location).name for file in source.files]


def test_a_picture_is_there_for_all_frames(found, tmp_path):
    draw(1).save(tmp_path / "dog.png")
    source = found("dog.png")
    [file] = source.files
    assert (file.location, file.width, file.height, file.count) == (str(tmp_path / "dog.png"), 48, 32, 1)
    assert not source.moves
    assert source.at(11) == source.at(0)


def test_a_photograph_has_the_size_that_it_is_shown_with(found, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    draw(1).save(tmp_path / "dog.jpg", exif=exif)
    [file] = found("dog.jpg").files
    assert (file.width, file.height) == (32, 48)


@pytest.mark.parametrize("text", ["frames", "frames/", "frames/*.png", "frames/frame%d.png"])
def test_a_sequence_is_in_the_order_of_its_numbers(found, tmp_path, text):
    (save_sequence(tmp_path / "frames", 12) / "notes.txt").write_text("mine")
    (tmp_path / "frames" / "._frame1.png").write_text("a system's own")
    source = found(text)
    assert source.moves
    assert names(source) == [f"frame{number}.png" for number in range(12)]
    assert source.at(10).location == str(tmp_path / "frames" / "frame10.png")


def test_numbers_of_a_width_are_those_that_printf_prints(found, tmp_path):
    folder = save_sequence(tmp_path / "frames", 12, "{:02d}.png")
    for other in ("1.png", "001.png", "1x.png"):
        (folder / other).write_text("another")
    assert names(found("frames/%02d.png")) == [f"{number:02d}.png" for number in range(12)]


def test_a_numbered_sequence_begins_at_its_lowest_number(found, tmp_path):
    folder = save_sequence(tmp_path / "frames", 20, "{:04d}.png")
    for number in range(5):
        (folder / f"{number:04d}.png").unlink()
    assert names(found("frames/%04d.png")) == [f"{number:04d}.png" for number in range(5, 17)]


def test_a_gap_in_a_numbered_sequence_is_told(told, tmp_path):
    (save_sequence(tmp_path / "frames", 20, "{:04d}.png") / "0007.png").unlink()
    assert told("frames/%04d.png") == (f"{tmp_path}/frames/%04d.png has no number 7, but 0 and 19; {NEEDED}")


def test_what_is_named_like_a_pattern_is_itself(found, tmp_path):
    draw(1).save(tmp_path / "100%d [a].png")
    assert names(found("100%d [a].png")) == ["100%d [a].png"]


@pytest.mark.parametrize("name", ["a.mp4", "a.gif", "no suffix"])
def test_a_video_has_a_picture_for_each_frame(found, tmp_path, name):
    if name == "a.gif":
        first, *rest = map(draw, range(12))
        first.save(tmp_path / name, save_all=True, append_images=rest)
    else:
        save_mp4(tmp_path / "a.mp4", 15).rename(tmp_path / name)
    source = found(name)
    assert (source.moves, source.count, source.files[0].width, source.files[0].height) == (True, 12, 48, 32)
    assert [source.at(frame).index for frame in (0, 11)] == [0, 11]


def test_a_sequence_or_video_of_one_picture_is_there_for_all_frames(found, tmp_path):
    save_sequence(tmp_path / "frames", 1)
    save_mp4(tmp_path / "a.mp4", 1)
    assert not found("frames").moves
    assert not found("a.mp4").moves


def test_fewer_pictures_than_frames_are_told(told, tmp_path):
    save_sequence(tmp_path / "frames", 11)
    save_mp4(tmp_path / "a.mp4", 11)
    for text in ("frames/*.png", "a.mp4"):
        assert told(text) == (
            f"{text} has 11 pictures, the animation 12 frames; "
            "needed: at least one picture for each frame, or a single one for all."
        )


def test_pictures_beside_the_manifest_are_found_from_anywhere(found, tmp_path, monkeypatch):
    draw(1).save(tmp_path / "dog.png")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert found("elsewhere/../dog.png").files[0].sha256 == found(str(tmp_path / "dog.png")).files[0].sha256


def test_what_is_not_there_is_told_with_what_is_near(told, tmp_path):
    draw(1).save(tmp_path / "dogs.png")
    assert told("dog.png") == f"there is no file {tmp_path}/dog.png; {NEEDED} Did you mean 'dogs.png'?"


def test_a_folder_or_pattern_of_nothing_is_told(told, tmp_path):
    (tmp_path / "frames").mkdir()
    assert told("frames") == (
        f"{tmp_path}/frames is a folder without pictures "
        f"(.png, .jpg, .jpeg, .webp, .bmp, .tif, .tiff, .ppm, .avif); {NEEDED}"
    )
    for text in ("frames/*.png", "frames/%04d.png", "gone/*.png"):
        what = "cannot be read: No such file or directory" if "gone" in text else ""
        expected = f"{tmp_path}/{text} {what}" if what else f"no file matches {tmp_path}/{text}"
        assert told(text) == f"{expected}; {NEEDED}"


def test_pictures_of_different_sizes_are_told(told, tmp_path):
    draw(5, width=64).save(save_sequence(tmp_path / "frames", 12) / "frame5.png")
    assert told("frames") == (
        f"{tmp_path}/frames/frame5.png is 64x32, the sequence's first picture 48x32; {NEEDED}"
    )


def test_pictures_of_different_sizes_in_a_video_are_told(told, tmp_path):
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
    assert told("a.avi") == (
        f"{tmp_path}/a.avi cannot be read: picture 7 is 64x32, the first 48x32; {NEEDED}"
    )


def test_films_in_a_sequence_are_told(told, tmp_path):
    save_mp4(save_sequence(tmp_path / "frames", 12) / "frame5.png", 3)
    assert told("frames") == (
        f"{tmp_path}/frames/frame5.png contains several pictures, but a file of a sequence contains one; {NEEDED}"
    )


def hostile(path, what):
    match what:
        case "50,000 x 50,000 pixels":
            path.write_bytes(huge_png(50_000, 50_000))
        case "8,200 pixels wide":
            path.write_bytes(huge_png(8_200, 8))
        case "cut off":
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
        case "a video cut off":
            path.write_bytes(save_mp4(path.with_suffix(".mp4"), 3).read_bytes()[:500])
        case "a pipe":
            os.mkfifo(path)
        case "a device":
            path.symlink_to("/dev/zero")
        case "a loop of links":
            path.symlink_to(path)
        case "a link to nothing":
            path.symlink_to("gone")


HOSTILE = {
    "50,000 x 50,000 pixels": "more than 8192 pixels a side",
    "8,200 pixels wide": "more than 8192 pixels a side",
    "cut off": "image file is truncated",
    "a text": "neither a picture nor an intact video",
    "empty": "neither a picture nor an intact video",
    "a video 8,200 pixels wide": "more than 8192 pixels a side",
    "a list of other files": "neither a picture nor an intact video",
    "PostScript": "neither a picture nor an intact video",
    "a video cut off": "neither a picture nor an intact video",
    "a pipe": "not a regular file",
    "a device": "not a regular file",
    "a loop of links": "Too many levels of symbolic links",
    "a link to nothing": "No such file or directory",
}


@pytest.mark.timeout(30)
@pytest.mark.parametrize("what", HOSTILE)
def test_what_is_no_picture_is_told_and_neither_decoded_at_any_cost_nor_waited_for(told, tmp_path, what):
    hostile(tmp_path / "dog.png", what)
    assert told("dog.png") == f"{tmp_path}/dog.png cannot be read: {HOSTILE[what]}; {NEEDED}"


def test_a_name_that_no_file_can_have_is_told(told, tmp_path):
    assert told("x" * 300) == f"{tmp_path}/{'x' * 300} cannot be read: File name too long; {NEEDED}"


def test_all_mistakes_are_told_at_once_each_at_its_place(written, tmp_path):
    document = written("image: gone.png", "mask_image: {file: gone.png}")
    with pytest.raises(ManifestError) as refused:
        find_pictures(document)
    gone = f"there is no file {tmp_path}/gone.png; {NEEDED}"
    assert str(refused.value) == (
        f"{tmp_path}/film.yaml:6:3: render.image: {gone}\n"
        f"{tmp_path}/film.yaml:7:16: render.mask_image.file: {gone}"
    )


def check_canvas(document):
    pictures = PictureInputs(sources=find_pictures(document), contents=None)
    inputs = ResolvedInputs(model=None, pictures=pictures, scoring=None)
    problems = problems_of(document, canvas_findings(Context(manifest=document.manifest, inputs=inputs)))
    if problems:
        raise ManifestError(problems)


def test_a_canvas_that_the_pipeline_cannot_paint_is_told_with_what_it_could(written, tmp_path):
    draw(1).save(tmp_path / "dog.png")
    with pytest.raises(ManifestError) as refused:
        check_canvas(written("image: dog.png", "expand: {left: 13, bottom: 3}"))
    place = f"{tmp_path}/film.yaml:7:3: render.expand: "
    assert str(refused.value) == (
        f"{place}the canvas is 61 pixels wide; needed: a multiple of 8, up to 8192. Nearest: left: 8 or left: 16.\n"
        f"{place}the canvas is 35 pixels high; needed: a multiple of 8, up to 8192. Nearest: bottom: 0 or bottom: 8."
    )


def test_a_picture_too_odd_for_its_canvas_is_told_with_what_to_add(written, tmp_path):
    draw(1, width=45).save(tmp_path / "dog.png")
    with pytest.raises(ManifestError, match=r"45 pixels wide; .*\. Nearest: right: 3\.$"):
        check_canvas(written("image: dog.png", "expand: {top: 8}"))


def test_a_canvas_beyond_the_largest_picture_is_told(written, tmp_path):
    draw(1).save(tmp_path / "dog.png")
    with pytest.raises(
        ManifestError, match=r"canvas is 8240 pixels wide; needed: a multiple of 8, up to 8192\.$"
    ):
        check_canvas(written("image: dog.png", "expand: {left: 8192}"))


def test_a_canvas_that_fits_or_is_scaled_anyhow_is_taken(written, tmp_path):
    draw(1).save(tmp_path / "dog.png")
    check_canvas(written("image: dog.png", "expand: {left: 8, right: 16}"))
    check_canvas(written("image: dog.png", "expand: {left: 3}", "width: 64"))


def test_pictures_beside_and_below_the_manifest_travel_as_far_as_the_animation_goes(written, tmp_path):
    draw(1).save(tmp_path / "mask.png")
    save_sequence(tmp_path / "frames", 20)
    assert relative_pictures(written("image: frames/*.png", "mask_image: mask.png")) == [
        *(tmp_path / "frames" / f"frame{number}.png" for number in range(12)),
        tmp_path / "mask.png",
    ]


def test_pictures_by_their_whole_paths_stay_and_need_not_be_here(written):
    assert relative_pictures(written("image: /shared/frames/*.png", "mask_image: ~/mask.png")) == []


def test_pictures_outside_of_the_manifests_folder_cannot_travel(written, tmp_path):
    with pytest.raises(ManifestError) as refused:
        relative_pictures(written("image: ../dog.png", "mask_image: /shared/mask.png"))
    assert str(refused.value) == (
        f"{tmp_path}/film.yaml:6:3: render.image: ../dog.png is outside the manifest's folder, and would not be "
        "uploaded with it; needed: a path within the manifest's folder, or an absolute path that the cluster shares."
    )
