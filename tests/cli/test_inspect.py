import json
import re

import pytest

from tests.tampering import flip_pixel


@pytest.fixture
def rendered(farm, write_manifest, tmp_path):
    """A procedural job of 21 frames in chunks of 4."""
    assert farm("render", write_manifest(), "--inline", "--procedural")[0] == 0
    return tmp_path / "out" / "job-rehearsal"


def parts(out):
    """Return the paragraphs of a report, without its times."""
    return re.sub(r"last run  .* UTC", "last run  (time)", out).rstrip("\n").split("\n\n")


def test_a_finished_job_takes_a_few_lines(farm, rendered):
    code, out, err = farm("inspect", "out/job-rehearsal")
    assert (code, err) == (0, "")
    assert parts(out) == [
        "job: done\n"
        "  kind      interpolate\n"
        "  frames    21 planned, 21 on disk, 21 intact\n"
        "  last run  (time)\n"
        "  rendered  procedural\n"
        f"  folder    {rendered}",
        "Nothing has been measured; farm analyze measures finished frames.",
    ]


def test_missing_frames_are_listed_with_their_reasons(farm, rendered):
    flip_pixel(rendered, 3)
    (rendered / ".farm" / "ledger" / "frame000016-000019.jsonl").unlink()
    code, out, _ = farm("inspect", "out/job-rehearsal")
    assert code == 0
    assert out.startswith("job: incomplete\n")
    assert "  frames    21 planned, 17 on disk, 16 intact\n" in out
    assert parts(out)[1] == "frame 3: file changed since it was written\nframes 16-19: not rendered"


def test_a_measured_job_has_sentences_jumps_and_a_plot_that_80_columns_hold(farm, rendered, monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    assert farm("analyze", rendered, "--inline", "--set", "analysis.smoothness=true")[0] == 0
    code, out, _ = farm("inspect", "out/job-rehearsal")
    assert code == 0
    assert "\x1b" not in out
    insights, drawn = parts(out)[1:]
    assert insights.startswith("The largest jump is from frame ")
    assert re.search(
        r"Largest jumps:\n  RGB +0\.\d+ +to frame \d+ +[\d.]+ times the median\n  perceptual", insights
    )
    title, *lines, ends = drawn.splitlines()
    assert title == "Change from frame to frame (perceptual, (1 - SSIM) / 2):"
    assert len(lines) == 6
    assert "█" in lines[0]
    assert ends.split() == ["0", "20"]
    assert max(map(len, drawn.splitlines())) <= 80


def test_of_many_problems_the_first_twelve_are_listed(farm, write_manifest, tmp_path):
    assert farm("render", write_manifest(frames=41), "--inline", "--procedural")[0] == 0
    for frame in range(0, 41, 2):
        flip_pixel(tmp_path / "out" / "job-rehearsal", frame)
    _, out, _ = farm("inspect", "out/job-rehearsal")
    lines = parts(out)[1].splitlines()
    assert lines[11:] == [
        "frame 22: file changed since it was written",
        "and 9 more; --json lists all of them",
    ]


def test_json_output_lists_every_missing_frame(farm, rendered):
    flip_pixel(rendered, 3)
    code, out, _ = farm("inspect", rendered, "--json")
    found = json.loads(out)
    assert code == 0
    assert (found["state"], found["planned"], found["there"], found["whole"]) == ("incomplete", 21, 21, 20)
    assert found["missing"] == [{"first": 3, "last": 3, "reason": "file changed since it was written"}]


def test_a_folder_without_a_job_is_refused(farm, tmp_path):
    code, out, err = farm("inspect", tmp_path)
    assert (code, out, err) == (2, "", f"{tmp_path}: not a job's folder: it has no manifest.yaml.\n")


def test_a_job_with_an_invalid_manifest_is_refused_with_its_mistakes(farm, rendered):
    (rendered / "manifest.yaml").write_text("version: 1\n")
    code, out, err = farm("inspect", rendered)
    assert (code, out) == (2, "")
    assert err.splitlines()[-1] == f"{len(err.splitlines()) - 1} mistakes."


def test_a_job_whose_run_was_killed_has_no_last_run(farm, rendered):
    (rendered / "summary.json").unlink()
    assert farm("analyze", rendered, "--inline", "--set", "analysis.smoothness=true")[0] == 0
    _, out, _ = farm("inspect", rendered)
    assert out.startswith("job: unfinished\n")
    assert "last run" not in out


def test_measurements_of_missing_frames_are_reported_as_outdated(farm, rendered):
    assert farm("analyze", rendered, "--inline", "--set", "analysis.smoothness=true")[0] == 0
    (rendered / "frames" / "frame000003.png").unlink()
    _, out, _ = farm("inspect", rendered)
    assert parts(out)[2].split("\nLargest")[0].replace("\n", " ") == (
        "The measurements include frames that are missing now, and 20 of 20 intact frames have none; run farm analyze "
        "to update them."
    )


def test_unmeasured_frames_are_counted(farm, rendered):
    assert farm("analyze", rendered, "--inline", "--set", "analysis.smoothness=true")[0] == 0
    for part in (rendered / ".farm" / "analysis").glob("*/*.json"):
        part.unlink()
    _, out, _ = farm("inspect", rendered)
    assert parts(out)[1].startswith(
        "21 of 21 intact frames have not been measured; run farm analyze to measure them."
    )
