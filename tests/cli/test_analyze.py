"""The output of `farm analyze` and `farm report`, and the files they write."""

import json

import pytest

MEASURED = {"output": ("output:", "analysis: {smoothness: true}\noutput:")}


@pytest.fixture
def folder(farm, write_manifest, tmp_path):
    farm("render", write_manifest(), "--inline", "--procedural")
    return tmp_path / "out" / "job-rehearsal"


def test_analyze_prints_insights_about_finished_frames(farm, folder):
    code, out, _ = farm("analyze", folder, "--inline", "--set", "analysis.smoothness=true")
    assert code == 0
    first, second = out.splitlines()[:2]
    assert first == "job: 21 of 21 frames measured"
    assert second.startswith("  The largest jump is from frame ")


def test_json_output_contains_the_insights(farm, folder):
    _, out, _ = farm("analyze", folder, "--inline", "--json", "--set", "analysis=true")
    found = json.loads(out)
    assert (found["name"], found["frames"], found["planned"]) == ("job", 21, 21)
    assert found["columns"] == ["rgb_change", "perceptual_change", "flicker", "blank", "outlier"]
    assert {jump["column"] for jump in found["jumps"]} == {"rgb_change", "perceptual_change"}


def test_a_missing_frame_exits_with_3(farm, folder):
    (folder / "frames" / "frame000003.png").unlink()
    code, out, _ = farm("analyze", folder, "--inline", "--set", "analysis=true")
    assert code == 3
    assert out.startswith("job: 20 of 21 frames measured\n")


def test_a_checkpoint_that_cannot_score_frames_is_refused_with_its_location(farm, folder):
    code, out, err = farm(
        "analyze", folder, "--inline", "--set", "analysis.clip.pretrained=tiny-world-resnet"
    )
    assert (code, out) == (2, "")
    assert err.startswith(
        "--set analysis.clip.pretrained=tiny-world-resnet: analysis.clip.pretrained: its config.json"
    )


def test_report_writes_the_page_again_and_prints_its_path(farm, folder):
    (folder / "report.html").unlink()
    (folder / "preview.webp").unlink()
    assert farm("report", folder) == (0, f"{folder}/report.html\n", "")
    assert "job" in (folder / "report.html").read_text()
    assert (folder / "preview.webp").stat().st_size > 0


def test_report_of_a_folder_of_jobs_is_a_gallery_that_lists_unreadable_jobs(farm, folder, tmp_path):
    broken = tmp_path / "out" / "broken"
    broken.mkdir()
    (broken / "manifest.yaml").write_text("version: 1\n")
    assert farm("report", tmp_path / "out") == (0, f"{tmp_path}/out/index.html\n", "")
    page = (tmp_path / "out" / "index.html").read_text()
    assert "job-rehearsal" in page
    assert "Unreadable" in page


def test_a_folder_without_jobs_is_refused(farm, tmp_path):
    assert farm("report", tmp_path) == (
        2,
        "",
        f"{tmp_path}: neither a job's folder nor a folder of jobs: it has no manifest.yaml.\n",
    )


def test_report_of_a_file_is_refused(farm, folder):
    page = folder / "report.html"
    error = f"{page}: is a file; needed: a job's output folder, or a folder of jobs.\n"
    assert farm("report", page) == (2, "", error)
