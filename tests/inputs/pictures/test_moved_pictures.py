"""Input pictures that were moved or changed since a job was rendered with them."""

import json
import shutil

import pyarrow.parquet as pq
import pytest

from farm.errors import ManifestError
from farm.events import ChunkDone
from farm.execute import InlineExecutor
from farm.inputs.pictures import find as input_pictures
from farm.results import Verdict, assemble_outputs, job_to_verify, verify
from farm.run import prepare, render
from tests.pictures import draw, save_mp4, save_sequence
from tests.results.verify.verifying import check, quiet

MANIFEST = """\
version: 1
name: film
model: {{pipeline: StableDiffusionImg2ImgPipeline, pretrained: {pretrained}}}
animation: {{kind: interpolate, prompts: [a fish, a cat], frames: {frames}}}
render: {{image: '{image}', num_inference_steps: 4, batch_size: 2}}
"""


@pytest.fixture
def made(tmp_path, tiny_sd):
    """Render a job of these pictures and return its folder."""

    def make(image, *, frames=6, procedural=True, tell=quiet):
        path = tmp_path / "film.yaml"
        path.write_text(MANIFEST.format(pretrained=tiny_sd, image=image, frames=frames))
        job = prepare(path, output_dir=str(tmp_path / "out"), procedural=procedural)
        with InlineExecutor() as executor:
            render([job], executor, tell)
        return tmp_path / "out" / ("film-rehearsal" if procedural else "film")

    return make


@pytest.fixture
def looked(monkeypatch):
    """The files that are looked through from here on."""
    files, probe_file = [], input_pictures.probe_file

    def look(path, *, enough):
        files.append(path.name)
        return probe_file(path, enough=enough)

    monkeypatch.setattr(input_pictures, "probe_file", look)
    return files


def outputs(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix in (".png", ".parquet")}


@pytest.mark.parametrize("image", ["film.mp4", "frames/%d.png", "dog.png"])
def test_a_job_is_assembled_without_the_pictures_that_it_was_rendered_with(made, tmp_path, image):
    save_mp4(tmp_path / "film.mp4", 6)
    save_sequence(tmp_path / "frames", 6, "{}.png")
    draw(1).save(tmp_path / "dog.png")
    folder = made(image)
    before = outputs(folder)
    shutil.rmtree(tmp_path / "frames")
    (tmp_path / "film.mp4").unlink()
    (tmp_path / "dog.png").unlink()
    for name in before:
        (folder / name).unlink()
    assert assemble_outputs(str(folder)).frames == 6
    assert outputs(folder) == before


def test_frames_of_former_pictures_are_not_mixed_with_those_of_later_ones(made, tmp_path):
    draw(1).save(tmp_path / "dog.png")
    made("dog.png")
    draw(2).save(tmp_path / "dog.png")

    def stop(event):
        if isinstance(event, ChunkDone):
            raise KeyboardInterrupt

    folder = made("dog.png", tell=stop)
    (tmp_path / "dog.png").unlink()
    assert assemble_outputs(str(folder)).frames == 2
    assert pq.read_table(folder / "metadata.parquet")["frame"].to_pylist() == [0, 1]


def test_another_picture_that_the_jobs_manifest_names_since_is_looked_for(made, tmp_path):
    draw(1).save(tmp_path / "dog.png")
    folder = made("dog.png")
    manifest = folder / "manifest.yaml"
    manifest.write_text(manifest.read_text().replace("dog.png", "cat.png"))
    with pytest.raises(
        ManifestError, match=rf"render\.image: there is no file {tmp_path}/cat\.png; needed: a picture"
    ):
        assemble_outputs(str(folder))
    draw(2).save(tmp_path / "cat.png")
    assert assemble_outputs(str(folder)).frames == 0


def test_a_note_that_is_not_whole_counts_for_nothing(made, tmp_path):
    draw(1).save(tmp_path / "dog.png")
    folder = made("dog.png")
    note = folder / ".farm" / "pictures.json"
    for damaged in (
        b"",
        b"{",
        b"[]",
        b"\xff",
        json.dumps({str(tmp_path / "dog.png"): {"files": [{}]}}).encode(),
    ):
        note.write_bytes(damaged)
        assert assemble_outputs(str(folder)).frames == 6
    (tmp_path / "dog.png").unlink()
    with pytest.raises(ManifestError, match="there is no file"):
        assemble_outputs(str(folder))


@pytest.mark.parametrize("fate", ["gone", "changed"])
def test_to_verify_the_pictures_are_needed_as_they_were(made, tmp_path, fate):
    draw(1).save(tmp_path / "dog.png")
    folder = made("dog.png", procedural=False)
    if fate == "gone":
        (tmp_path / "dog.png").unlink()
        found = "dog.png cannot be read: No such file or directory"
    else:
        draw(2).save(tmp_path / "dog.png")
        found = "dog.png has changed since"
    with pytest.raises(ManifestError) as refused:
        job_to_verify(str(folder))
    place, _, said = str(refused.value).partition(": ")
    assert place.startswith(f"{folder}/manifest.yaml:")
    assert said == (
        f"render.image: {tmp_path}/{found}; needed: the picture that the frames were rendered from, since "
        "verification renders them again. Restore it; assembling needs no input pictures."
    )
    draw(1).save(tmp_path / "dog.png")
    assert check(folder).count(Verdict.IDENTICAL) == 6


def test_a_rehearsal_is_verified_without_pictures(made, tmp_path):
    draw(1).save(tmp_path / "dog.png")
    folder = made("dog.png")
    (tmp_path / "dog.png").unlink()
    assert verify(job_to_verify(str(folder)), InlineExecutor(), quiet).count(Verdict.IDENTICAL) == 6


@pytest.mark.parametrize("image", ["film.mp4", "frames/%d.png"])
def test_pictures_that_a_job_was_rendered_with_are_not_decoded_again(made, looked, tmp_path, image):
    save_mp4(tmp_path / "film.mp4", 6)
    save_sequence(tmp_path / "frames", 6, "{}.png")
    made(image)
    assert looked
    looked.clear()
    made(image)
    made(image, frames=4)
    assert looked == []


def test_pictures_of_which_more_are_needed_or_that_changed_are_decoded_again(made, looked, tmp_path):
    save_sequence(tmp_path / "frames", 7, "{}.png")
    made("frames/%d.png", frames=6)
    looked.clear()
    made("frames/%d.png", frames=7)
    assert looked == [f"{number}.png" for number in range(7)]
    looked.clear()
    draw(50).save(tmp_path / "frames" / "3.png")
    made("frames/%d.png", frames=7)
    assert looked == [f"{number}.png" for number in range(7)]


def test_a_video_of_which_one_picture_was_needed_moves_once_more_are(made, tmp_path):
    save_mp4(tmp_path / "film.mp4", 6)
    made("film.mp4", frames=1)
    noted = json.loads((made("film.mp4", frames=6) / ".farm" / "pictures.json").read_text())
    assert noted[str(tmp_path / "film.mp4")]["moves"] is True
