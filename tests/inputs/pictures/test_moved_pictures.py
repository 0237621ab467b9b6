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
from tests.results.verify.verifying import quiet, verified

MANIFEST = """\
version: 1
name: film
model: {{pipeline: StableDiffusionImg2ImgPipeline, pretrained: {pretrained}}}
animation: {{kind: interpolate, prompts: [a fish, a cat], frames: {frames}}}
render: {{image: '{image}', num_inference_steps: 4, batch_size: 2}}
"""


@pytest.fixture
def render_job(tmp_path, tiny_sd):
    """Render a job with these pictures and return its folder."""

    def make(image, *, frames=6, procedural=True, on_event=quiet):
        path = tmp_path / "film.yaml"
        path.write_text(MANIFEST.format(pretrained=tiny_sd, image=image, frames=frames))
        job = prepare(path, output_dir=str(tmp_path / "out"), procedural=procedural)
        with InlineExecutor() as executor:
            render([job], executor, on_event)
        return tmp_path / "out" / ("film-rehearsal" if procedural else "film")

    return make


@pytest.fixture
def decoded(monkeypatch):
    """List the files that are decoded from now on."""
    files, probe_file = [], input_pictures.probe_file

    def record(path, *, max_frames):
        files.append(path.name)
        return probe_file(path, max_frames=max_frames)

    monkeypatch.setattr(input_pictures, "probe_file", record)
    return files


def outputs(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix in (".png", ".parquet")}


@pytest.mark.parametrize("image", ["film.mp4", "frames/%d.png", "dog.png"])
def test_a_job_is_assembled_without_its_input_pictures(render_job, tmp_path, image):
    save_mp4(tmp_path / "film.mp4", 6)
    save_sequence(tmp_path / "frames", 6, "{}.png")
    draw(1).save(tmp_path / "dog.png")
    folder = render_job(image)
    before = outputs(folder)
    shutil.rmtree(tmp_path / "frames")
    (tmp_path / "film.mp4").unlink()
    (tmp_path / "dog.png").unlink()
    for name in before:
        (folder / name).unlink()
    assert assemble_outputs(str(folder)).frames == 6
    assert outputs(folder) == before


def test_frames_from_earlier_and_later_pictures_are_not_mixed(render_job, tmp_path):
    draw(1).save(tmp_path / "dog.png")
    render_job("dog.png")
    draw(2).save(tmp_path / "dog.png")

    def stop(event):
        if isinstance(event, ChunkDone):
            raise KeyboardInterrupt

    folder = render_job("dog.png", on_event=stop)
    (tmp_path / "dog.png").unlink()
    assert assemble_outputs(str(folder)).frames == 2
    assert pq.read_table(folder / "metadata.parquet")["frame"].to_pylist() == [0, 1]


def test_a_picture_named_in_an_edited_manifest_is_searched_for(render_job, tmp_path):
    draw(1).save(tmp_path / "dog.png")
    folder = render_job("dog.png")
    manifest = folder / "manifest.yaml"
    manifest.write_text(manifest.read_text().replace("dog.png", "cat.png"))
    with pytest.raises(
        ManifestError, match=rf"render\.image: there is no file {tmp_path}/cat\.png; needed: a picture"
    ):
        assemble_outputs(str(folder))
    draw(2).save(tmp_path / "cat.png")
    assert assemble_outputs(str(folder)).frames == 0


def test_a_damaged_record_is_ignored(render_job, tmp_path):
    draw(1).save(tmp_path / "dog.png")
    folder = render_job("dog.png")
    record = folder / ".farm" / "pictures.json"
    for damaged in (
        b"",
        b"{",
        b"[]",
        b"\xff",
        json.dumps({str(tmp_path / "dog.png"): {"files": [{}]}}).encode(),
    ):
        record.write_bytes(damaged)
        assert assemble_outputs(str(folder)).frames == 6
    (tmp_path / "dog.png").unlink()
    with pytest.raises(ManifestError, match="there is no file"):
        assemble_outputs(str(folder))


@pytest.mark.parametrize("fate", ["missing", "changed"])
def test_verification_needs_the_unchanged_pictures(render_job, tmp_path, fate):
    draw(1).save(tmp_path / "dog.png")
    folder = render_job("dog.png", procedural=False)
    if fate == "missing":
        (tmp_path / "dog.png").unlink()
        found = "dog.png cannot be read: No such file or directory"
    else:
        draw(2).save(tmp_path / "dog.png")
        found = "dog.png has changed since"
    with pytest.raises(ManifestError) as refused:
        job_to_verify(str(folder))
    location, _, message = str(refused.value).partition(": ")
    assert location.startswith(f"{folder}/manifest.yaml:")
    assert message == (
        f"render.image: {tmp_path}/{found}; needed: the picture that the frames were rendered from, since "
        "verification renders them again. Restore it; assembling needs no input pictures."
    )
    draw(1).save(tmp_path / "dog.png")
    assert verified(folder).count(Verdict.IDENTICAL) == 6


def test_a_procedural_job_is_verified_without_pictures(render_job, tmp_path):
    draw(1).save(tmp_path / "dog.png")
    folder = render_job("dog.png")
    (tmp_path / "dog.png").unlink()
    assert verify(job_to_verify(str(folder)), InlineExecutor(), quiet).count(Verdict.IDENTICAL) == 6


@pytest.mark.parametrize("image", ["film.mp4", "frames/%d.png"])
def test_pictures_of_an_earlier_run_are_not_decoded_again(render_job, decoded, tmp_path, image):
    save_mp4(tmp_path / "film.mp4", 6)
    save_sequence(tmp_path / "frames", 6, "{}.png")
    render_job(image)
    assert decoded
    decoded.clear()
    render_job(image)
    render_job(image, frames=4)
    assert decoded == []


def test_longer_or_changed_sequences_are_decoded_again(render_job, decoded, tmp_path):
    save_sequence(tmp_path / "frames", 7, "{}.png")
    render_job("frames/%d.png", frames=6)
    decoded.clear()
    render_job("frames/%d.png", frames=7)
    assert decoded == [f"{number}.png" for number in range(7)]
    decoded.clear()
    draw(50).save(tmp_path / "frames" / "3.png")
    render_job("frames/%d.png", frames=7)
    assert decoded == [f"{number}.png" for number in range(7)]


def test_a_video_used_as_one_picture_moves_once_more_frames_use_it(render_job, tmp_path):
    save_mp4(tmp_path / "film.mp4", 6)
    render_job("film.mp4", frames=1)
    noted = json.loads((render_job("film.mp4", frames=6) / ".farm" / "pictures.json").read_text())
    assert noted[str(tmp_path / "film.mp4")]["moves"] is True
