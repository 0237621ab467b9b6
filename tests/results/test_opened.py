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


def test_pictures_are_a_sequence_that_is_read_on_access(folder):
    job = farm.open(folder)
    for frame in range(1, 21):
        (folder / file_name(frame)).unlink()
    assert (len(job), len(job.images), job.frames) == (21, 21, tuple(range(21)))
    assert job.images[0].size == (16, 16)
    part = job.images[5:9]
    assert (len(part), part.frames) == (4, (5, 6, 7, 8))
    with pytest.raises(StorageError):
        part[0]


@pytest.mark.parametrize("index", [21, 100, -22])
def test_an_index_out_of_range_is_reported_with_the_valid_ones(folder, index):
    with pytest.raises(IndexError) as raised:
        farm.open(folder).images[index]
    assert str(raised.value) == f"no picture {index}: there are 21, 0 to 20; .frames has their frame numbers."


def test_a_job_without_pictures_has_no_valid_index(folder):
    for frame in range(21):
        (folder / file_name(frame)).unlink()
    with pytest.raises(IndexError) as raised:
        farm.open(folder).images[0]
    assert str(raised.value) == "no picture 0: there are none; .frames has their frame numbers."
    assert list(farm.open(folder)) == []


def test_frames_with_a_missing_file_or_another_recipe_are_missing(folder):
    for frame in (3, 4):
        (folder / file_name(frame)).unlink()
    edit_rows(folder, [9], lambda row: row.update(recipe_digest="0" * 64))
    job = farm.open(folder)
    assert (len(job), len(job.images), set(range(21)) - set(job.frames)) == (18, 18, {3, 4, 9})
    assert repr(job) == f"<job 'job': 18 of 21 frames, incomplete, in '{folder}'>"
    assert job.images[3].size == (16, 16)
    assert '<td style="text-align:left">incomplete</td>' in job._repr_html_()


def test_a_running_job_has_the_state_running(folder):
    lock = FolderLock(JobFolder(str(folder))).acquire()
    try:
        assert farm.open(folder).state == "running"
    finally:
        lock.release()


def test_a_job_yields_its_pictures_in_order(folder):
    job = farm.open(folder)
    pictures = [np.asarray(picture) for picture in job]
    assert len(pictures) == 21
    assert np.array_equal(pictures[20], np.asarray(job.image(20)))
    assert np.array_equal(pictures[-1], np.asarray(job.images[-1]))


def test_manifest_and_summary_are_available(folder):
    job = farm.open(folder)
    assert job.manifest["render"]["num_inference_steps"] == 5
    assert job.manifest["animation"]["prompts"] == ["a", "b", "c"]
    assert (job.summary.state, job.summary.frames.rendered) == ("done", 21)


def test_jobs_and_pictures_have_a_repr(folder):
    assert repr(farm.open(folder)) == f"<job 'job': 21 of 21 frames, done, in '{folder}'>"
    assert repr(farm.open(folder).images[:2]) == f"<2 pictures of '{folder}'>"


def test_a_job_with_missing_frames_has_the_others(folder):
    (folder / ".farm" / "ledger" / "frame000004-000007.jsonl").unlink()
    job = farm.open(folder)
    assert (len(job), job.frames[3:5], job.images[4].size) == (17, (3, 8), (16, 16))
    with pytest.raises(StorageError) as raised:
        job.image(5)
    assert str(raised.value) == (
        f"{folder}: frame 5 is missing; .frames lists the 17 of 21 that exist. farm inspect gives the reason."
    )


@pytest.mark.parametrize("frame", [-1, 21])
def test_a_frame_that_is_not_planned_is_refused(folder, frame):
    with pytest.raises(UsageError) as raised:
        farm.open(folder).image(frame)
    assert str(raised.value) == f"{folder}: there is no frame {frame}; frames are 0 to 20."


def test_a_missing_table_is_reported_with_a_hint(folder):
    (folder / "metadata.parquet").unlink()
    (folder / "summary.json").unlink()
    job = farm.open(folder)
    assert job.summary is None
    assert repr(job) == f"<job 'job': 21 of 21 frames, unfinished, in '{folder}'>"
    with pytest.raises(StorageError) as raised:
        _ = job.table
    assert str(raised.value) == (
        f"{folder}/metadata.parquet: missing; a run writes it at its end. farm assemble makes it from finished "
        "frames."
    )


def test_a_missing_folder_or_an_invalid_manifest_is_refused(folder, tmp_path):
    with pytest.raises(UsageError, match="nowhere: not a job's folder: it has no manifest.yaml.$"):
        farm.open(tmp_path / "nowhere")
    (folder / "manifest.yaml").write_text("version: 1\n")
    with pytest.raises(ManifestError, match="manifest.yaml:1:1: "):
        farm.open(folder)


def test_a_notebook_shows_an_animation_and_facts(folder):
    shown = farm.open(folder)._repr_html_()
    assert shown.count("data:image/webp;base64,") == 1
    assert 'alt="animation of job: 21 of its frames"' in shown
    for fact in ("interpolate", "21 of 21", "StableDiffusionPipeline", ">done<", str(folder)):
        assert fact in shown
    assert "http" not in shown


def test_a_notebook_shows_insights(folder):
    analyzed = analyze_job(str(folder), InlineExecutor(), ["analysis.smoothness=true"])
    assert analyzed.findings.insights.sentences[0].text in farm.open(folder)._repr_html_()


def test_user_text_is_escaped(rendered):
    folder = rendered(note=("seed: 3", "seed: 3\ndescription: '<script>alert(1)</script> & \"more\"'"))
    shown = farm.open(folder)._repr_html_()
    assert "<script" not in shown
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; &quot;more&quot;" in shown


def test_damaged_pictures_are_omitted_from_the_animation(folder):
    for frame in range(20):
        (folder / file_name(frame)).write_bytes(b"PNG?")
    assert 'alt="animation of job: 1 of its frames"' in farm.open(folder)._repr_html_()
    (folder / file_name(20)).unlink()
    assert not re.search("<img", farm.open(folder)._repr_html_())
