import json
import re

import pytest

from tests.tampering import flip_pixel


@pytest.fixture
def rendered(farm, write_manifest, tmp_path):
    """A rehearsal of 21 frames in chunks of 4."""
    assert farm("render", write_manifest(), "--inline", "--procedural")[0] == 0
    return tmp_path / "out" / "job-rehearsal"


def parts(out):
    """The parts of a report, the time in it taken out."""
    return re.sub(r"last run  .* UTC", "last run  (time)", out).rstrip("\n").split("\n\n")


def test_a_finished_job_is_told_in_a_few_lines(farm, rendered):
    code, out, err = farm("inspect", "out/job-rehearsal")
    assert (code, err) == (0, "")
    assert parts(out) == [
        "job: done\n"
        "  kind      interpolate\n"
        "  frames    21 planned, 21 there, 21 whole\n"
        "  last run  (time)\n"
        "  rendered  procedural\n"
        f"  folder    {rendered}",
        "Nothing was measured; farm analyze measures what finished frames show.",
    ]


def test_what_is_missing_is_told(farm, rendered):
    flip_pixel(rendered, 3)
    (rendered / ".farm" / "ledger" / "frame000016-000019.jsonl").unlink()
    code, out, _ = farm("inspect", "out/job-rehearsal")
    assert code == 0
    assert out.startswith("job: incomplete\n")
    assert "  frames    21 planned, 17 there, 16 whole\n" in out
    assert parts(out)[1] == "frame 3: file changed since it was written\nframes 16-19: not rendered"


def test_a_measured_job_has_sentences_jumps_and_a_plot_that_80_columns_hold(farm, rendered, monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    assert farm("analyze", rendered, "--inline", "--set", "analysis.smoothness=true")[0] == 0
    code, out, _ = farm("inspect", "out/job-rehearsal")
    assert code == 0
    assert "\x1b" not in out
    told, drawn = parts(out)[1:]
    assert told.startswith("The largest jump is from frame ")
    assert re.search(
        r"Largest jumps:\n  RGB +0\.\d+ +to frame \d+ +[\d.]+ times the median\n  perceptual", told
    )
    title, *lines, ends = drawn.splitlines()
    assert title == "Change from frame to frame (perceptual, (1 - SSIM) / 2):"
    assert len(lines) == 6
    assert "█" in lines[0]
    assert ends.split() == ["0", "20"]
    assert max(map(len, drawn.splitlines())) <= 80


def test_of_many_lines_of_trouble_the_first_are_told(farm, write_manifest, tmp_path):
    assert farm("render", write_manifest(frames=41), "--inline", "--procedural")[0] == 0
    for frame in range(0, 41, 2):
        flip_pixel(tmp_path / "out" / "job-rehearsal", frame)
    _, out, _ = farm("inspect", "out/job-rehearsal")
    lines = parts(out)[1].splitlines()
    assert lines[11:] == [
        "frame 22: file changed since it was written",
        "and 9 more such lines, all of them in --json",
    ]


def test_json_holds_all_of_it(farm, rendered):
    flip_pixel(rendered, 3)
    code, out, _ = farm("inspect", rendered, "--json")
    told = json.loads(out)
    assert code == 0
    assert (told["state"], told["planned"], told["there"], told["whole"]) == ("incomplete", 21, 21, 20)
    assert told["missing"] == [{"first": 3, "last": 3, "reason": "file changed since it was written"}]


def test_a_folder_that_is_no_jobs_is_refused(farm, tmp_path):
    code, out, err = farm("inspect", tmp_path)
    assert (code, out, err) == (2, "", f"{tmp_path}: not a job's folder: it holds no manifest.yaml.\n")


def test_a_manifest_that_was_broken_is_told_as_what_was_looked_at(farm, rendered):
    (rendered / "manifest.yaml").write_text("version: 1\n")
    code, out, err = farm("inspect", rendered)
    assert (code, out) == (2, "")
    assert err.splitlines()[-1] == f"{len(err.splitlines()) - 1} mistakes."


def test_of_a_job_whose_run_was_killed_no_last_run_is_told(farm, rendered):
    (rendered / "summary.json").unlink()
    assert farm("analyze", rendered, "--inline", "--set", "analysis.smoothness=true")[0] == 0
    _, out, _ = farm("inspect", rendered)
    assert out.startswith("job: unfinished\n")
    assert "last run" not in out


def test_what_was_measured_with_frames_that_are_gone_is_told_to_speak_of_them(farm, rendered):
    assert farm("analyze", rendered, "--inline", "--set", "analysis.smoothness=true")[0] == 0
    (rendered / "frames" / "frame000003.png").unlink()
    _, out, _ = farm("inspect", rendered)
    assert parts(out)[2].split("\nLargest")[0].replace("\n", " ") == (
        "What was measured speaks of frames that are not there any more, and not of 20 of the 20 that are; farm "
        "analyze measures anew."
    )


def test_frames_that_are_not_measured_yet_are_told(farm, rendered):
    assert farm("analyze", rendered, "--inline", "--set", "analysis.smoothness=true")[0] == 0
    for part in (rendered / ".farm" / "analysis").glob("*/*.json"):
        part.unlink()
    _, out, _ = farm("inspect", rendered)
    assert parts(out)[1].startswith(
        "Of the frames that are there, 21 are not measured; farm analyze measures them."
    )
