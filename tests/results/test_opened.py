import re

import numpy as np
import pytest
from PIL import Image

import farm
from farm.errors import ManifestError, StorageError, UsageError
from farm.execute import InlineExecutor
from farm.run import analyze_job
from farm.store import FolderLock, JobFolder, file_name
from tests.tampering import edit_rows


@pytest.fixture
def folder(rendered):
    return rendered()


def test_the_table_is_that_of_the_folder(folder):
    table = farm.open(folder).table
    assert table.column("frame").to_pylist() == list(range(21))
    assert table.column("file_name")[3].as_py() == file_name(3)


def test_a_picture_is_that_of_its_frame(folder):
    with Image.open(folder / file_name(7)) as image:
        assert np.array_equal(np.asarray(farm.open(str(folder)).image(7)), np.asarray(image))


def test_pictures_are_a_sequence_that_is_read_when_it_is_asked_for(folder):
    job = farm.open(folder)
    for frame in range(1, 21):
        (folder / file_name(frame)).unlink()
    assert (len(job), len(job.images), job.frames) == (21, 21, tuple(range(21)))
    assert job.images[0].size == (16, 16)
    part = job.images[5:9]
    assert (len(part), part.frames) == (4, (5, 6, 7, 8))
    with pytest.raises(StorageError):
        part[0]


@pytest.mark.parametrize("place", [21, 100, -22])
def test_a_picture_that_there_is_not_is_told_with_those_that_there_are(folder, place):
    with pytest.raises(IndexError) as told:
        farm.open(folder).images[place]
    assert str(told.value) == f"no picture {place}: there are 21, 0 to 20; .frames says of which frames."


def test_of_a_job_without_pictures_none_can_be_taken(folder):
    for frame in range(21):
        (folder / file_name(frame)).unlink()
    with pytest.raises(IndexError) as told:
        farm.open(folder).images[0]
    assert str(told.value) == "no picture 0: there are none; .frames says of which frames."
    assert list(farm.open(folder)) == []


def test_frames_whose_files_are_gone_or_whose_recipe_is_another_are_not_there(folder):
    for frame in (3, 4):
        (folder / file_name(frame)).unlink()
    edit_rows(folder, [9], lambda row: row.update(recipe_digest="0" * 64))
    job = farm.open(folder)
    assert (len(job), len(job.images), set(range(21)) - set(job.frames)) == (18, 18, {3, 4, 9})
    assert repr(job) == f"<job 'job': 18 of 21 frames, incomplete, in '{folder}'>"
    assert job.images[3].size == (16, 16)
    assert '<td style="text-align:left">incomplete</td>' in job._repr_html_()


def test_a_job_that_runs_says_so(folder):
    claim = FolderLock(JobFolder(str(folder))).acquire()
    try:
        assert farm.open(folder).state == "running"
    finally:
        claim.release()


def test_a_job_yields_its_pictures_in_order(folder):
    job = farm.open(folder)
    pictures = [np.asarray(picture) for picture in job]
    assert len(pictures) == 21
    assert np.array_equal(pictures[20], np.asarray(job.image(20)))
    assert np.array_equal(pictures[-1], np.asarray(job.images[-1]))


def test_manifest_and_summary_are_at_hand(folder):
    job = farm.open(folder)
    assert job.manifest["render"]["num_inference_steps"] == 5
    assert job.manifest["animation"]["prompts"] == ["a", "b", "c"]
    assert (job.summary.state, job.summary.frames.rendered) == ("done", 21)


def test_it_says_what_it_is(folder):
    assert repr(farm.open(folder)) == f"<job 'job': 21 of 21 frames, done, in '{folder}'>"
    assert repr(farm.open(folder).images[:2]) == f"<2 pictures of '{folder}'>"


def test_a_job_of_which_frames_are_missing_has_the_others(folder):
    (folder / ".farm" / "ledger" / "frame000004-000007.jsonl").unlink()
    job = farm.open(folder)
    assert (len(job), job.frames[3:5], job.images[4].size) == (17, (3, 8), (16, 16))
    with pytest.raises(StorageError) as told:
        job.image(5)
    assert str(told.value) == (
        f"{folder}: frame 5 is not there; 17 of 21 are: see .frames, and farm inspect says why."
    )


@pytest.mark.parametrize("frame", [-1, 21])
def test_a_frame_that_is_not_planned_is_refused(folder, frame):
    with pytest.raises(UsageError) as told:
        farm.open(folder).image(frame)
    assert str(told.value) == f"{folder}: there is no frame {frame}; frames are 0 to 20."


def test_a_job_without_a_table_yet_says_so(folder):
    (folder / "metadata.parquet").unlink()
    (folder / "summary.json").unlink()
    job = farm.open(folder)
    assert job.summary is None
    assert repr(job) == f"<job 'job': 21 of 21 frames, unfinished, in '{folder}'>"
    with pytest.raises(StorageError) as told:
        _ = job.table
    assert str(told.value) == (
        f"{folder}/metadata.parquet: not there: a run writes it at its end. farm assemble makes it from the frames "
        "that are there."
    )


def test_a_folder_that_is_not_there_or_broken_is_told(folder, tmp_path):
    with pytest.raises(UsageError, match="nowhere: not a job's folder: it holds no manifest.yaml.$"):
        farm.open(tmp_path / "nowhere")
    (folder / "manifest.yaml").write_text("version: 1\n")
    with pytest.raises(ManifestError, match="manifest.yaml:1:1: "):
        farm.open(folder)


def test_a_notebook_shows_a_film_and_facts(folder):
    shown = farm.open(folder)._repr_html_()
    assert shown.count("data:image/webp;base64,") == 1
    assert 'alt="animation of job: 21 of its frames"' in shown
    for fact in ("interpolate", "21 of 21", "StableDiffusionPipeline", ">done<", str(folder)):
        assert fact in shown
    assert "http" not in shown


def test_a_notebook_shows_what_was_measured(folder):
    made = analyze_job(str(folder), InlineExecutor(), ["analysis.smoothness=true"])
    assert made.findings.insights.sentences[0].text in farm.open(folder)._repr_html_()


def test_what_a_user_wrote_is_escaped(rendered):
    folder = rendered(note=("seed: 3", "seed: 3\ndescription: '<script>alert(1)</script> & \"more\"'"))
    shown = farm.open(folder)._repr_html_()
    assert "<script" not in shown
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; &quot;more&quot;" in shown


def test_pictures_that_are_broken_are_left_out_of_the_film(folder):
    for frame in range(20):
        (folder / file_name(frame)).write_bytes(b"PNG?")
    assert 'alt="animation of job: 1 of its frames"' in farm.open(folder)._repr_html_()
    (folder / file_name(20)).unlink()
    assert not re.search("<img", farm.open(folder)._repr_html_())
