import json

import numpy as np
import pytest

from farm.cli.verify import report_text
from farm.results import FrameFinding, Verdict, Verification
from farm.store import file_name
from tests.tampering import as_if_rendered_so, flip_pixel


@pytest.fixture
def rendered(farm, write_manifest, tmp_path):
    """A procedural job of 21 frames in chunks of 4."""
    assert farm("render", write_manifest(), "--inline", "--procedural")[0] == 0
    return tmp_path / "out" / "job-rehearsal"


def lines_of(out):
    """Return the lines of a report, the time taken out of the first."""
    first, *rest = out.splitlines()
    before, _, after = first.partition(" in ")
    return [before + after[after.index(" s") + 2 :], *rest]


def test_identical_frames_take_two_lines_and_exit_code_0(farm, rendered):
    code, out, err = farm("verify", "out/job-rehearsal", "--inline")
    assert code == 0
    assert lines_of(out) == [
        "job: 21 of 21 frames checked: 21 identical",
        "All frames are identical, bit for bit.",
    ]
    assert err.splitlines()[-1] == "job: done"


def test_every_fault_is_listed_in_a_table_with_its_meaning_and_a_remedy(farm, rendered, tmp_path):
    flip_pixel(rendered, 0)
    as_if_rendered_so(rendered, 4, by=1, numpy="1.26.0")
    as_if_rendered_so(rendered, 5, by=2, numpy="1.26.0")
    as_if_rendered_so(rendered, 9)
    (rendered / file_name(12)).write_bytes(b"PNG?")
    (rendered / file_name(13)).unlink()
    (rendered / ".farm" / "ledger" / "frame000016-000019.jsonl").unlink()
    code, out, _ = farm("verify", "out/job-rehearsal", "--inline", "--all")
    assert code == 1
    numpy = np.__version__
    assert lines_of(out) == [
        "job: 21 of 21 frames checked: 11 identical, 3 different, 2 altered, 5 missing",
        "frames  verdict  max  mean    PSNR",
        "0       altered  8    0.0104  58.9 dB  its pixels were changed",
        "4-5     differs  2    0.0026  71.0 dB  different environment",
        "9       differs  8    0.0104  58.9 dB  same environment",
        "12      altered                        its file is not a complete RGB PNG",
        "13      missing                        its file is missing",
        "16-19   missing                        not in the ledger",
        f"Different environment: numpy 1.26.0 -> {numpy}. Equal bits are guaranteed only within one environment, so "
        "this is not an error; to make all frames consistent, render the job again in one environment.",
        "Same environment: equal bits are guaranteed and the files are unchanged, so suspect the hardware. Verify once "
        "more: if the differences change, this machine is not deterministic; if they stay the same, the machine that "
        "rendered these frames made errors or differs from this one. To replace the frames, delete their files and "
        "render again.",
        f"To render the altered or missing frames, run: farm render {rendered}/manifest.yaml "
        f"--output-dir {tmp_path}/out --procedural",
    ]


def test_the_suggested_command_repairs_the_job(farm, rendered):
    flip_pixel(rendered, 0)
    (rendered / file_name(13)).unlink()
    _, out, _ = farm("verify", "out/job-rehearsal", "--inline")
    command = out.splitlines()[-1].partition("run: farm ")[2]
    assert farm(*command.split(), "--inline")[0] == 0
    assert farm("verify", "out/job-rehearsal", "--inline")[0] == 0


def test_missing_frames_are_not_differences(farm, rendered):
    (rendered / file_name(13)).unlink()
    code, out, _ = farm("verify", "out/job-rehearsal", "--inline")
    assert code == 3
    assert lines_of(out)[:3] == [
        "job: 21 of 21 frames checked: 20 identical, 1 missing",
        "frames  verdict",
        "13      missing  its file is missing",
    ]


def test_a_report_without_comparable_frames_says_so(farm, rendered):
    (rendered / "manifest.yaml").write_text(
        (rendered / "manifest.yaml").read_text().replace("seed: 3", "seed: 4")
    )
    code, out, _ = farm("verify", "out/job-rehearsal", "--inline")
    assert code == 1
    assert lines_of(out)[:4] == [
        "job: 21 of 21 frames checked: 21 with another recipe",
        "frames  verdict",
        "0-20    other recipe  its recipe changed since",
        "No frame could be compared.",
    ]


def test_a_sample_reports_how_many_frames_were_checked(farm, rendered):
    _, out, _ = farm("verify", "out/job-rehearsal", "--inline", "--sample", "2")
    assert lines_of(out)[0] == "job: 5 of 21 frames checked: 5 identical"


def test_json_output_is_flat_and_typed(farm, rendered):
    flip_pixel(rendered, 2)
    as_if_rendered_so(rendered, 9, numpy="1.26.0")
    code, out, _ = farm("verify", "out/job-rehearsal", "--inline", "--json")
    found = json.loads(out, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert (code, found["exit_code"], found["interrupted"]) == (1, 1, False)
    assert found["folder"] == str(rendered)
    counts = {name: found[name] for name in ("planned", "checked", "identical", "differs", "altered")}
    assert counts == {"planned": 21, "checked": 21, "identical": 19, "differs": 1, "altered": 1}
    assert (found["missing"], found["other_recipe"], found["failed"]) == (0, 0, 0)
    assert [(each["first"], each["last"], each["verdict"]) for each in found["findings"]] == [
        (0, 1, "identical"),
        (2, 2, "altered"),
        (3, 8, "identical"),
        (9, 9, "differs"),
        (10, 20, "identical"),
    ]
    same, altered, _, differs, _ = found["findings"]
    assert (same["max_difference"], same["mean_difference"], same["psnr_db"]) == (None, None, None)
    assert (altered["max_difference"], altered["pixels_as_recorded"]) == (8, False)
    assert altered["psnr_db"] == pytest.approx(58.92, abs=0.01)
    numpy = np.__version__
    change = {"key": "numpy", "recorded": "1.26.0", "now": numpy}
    assert differs["environment_changes"] == found["environment_changes"] == [change]
    assert differs["node"] == differs["node_now"] != ""


def test_a_wrong_call_is_refused_before_anything_starts(farm, rendered, tmp_path, monkeypatch):
    monkeypatch.setattr("farm.execute.open_executor", lambda **_: pytest.fail("an executor was opened"))
    code, out, err = farm("verify", "out")
    assert (code, out, err) == (2, "", "out: not a job's folder: it has no manifest.yaml.\n")
    code, _, err = farm("verify", "out/job-rehearsal", "--all", "--sample", "3")
    assert (code, err) == (2, "--all checks every frame; leave out --sample.\n")
    assert farm("verify", "out/job-rehearsal", "--sample", "0")[0] == 2
    assert farm("verify", "out/job-rehearsal", "--inline", "--workers", "2")[0] == 2


# --- reports that are hard to provoke -------------------------------------------------------------------


def report(*findings, **changes):
    settings = {
        "name": "job",
        "folder": "out/job",
        "planned": 9,
        "findings": findings,
        "again": "",
        "promised": True,
        "seconds": 1.25,
        "interrupted": False,
    }
    return report_text(Verification(**settings | changes)).splitlines()


def test_an_interrupted_verification_says_so():
    same = FrameFinding(first=0, last=3, verdict=Verdict.IDENTICAL)
    assert report(same, interrupted=True) == [
        "job: 4 of 9 frames checked in 1.2 s: 4 identical",
        "Interrupted: the remaining frames were not checked.",
    ]
    assert report(interrupted=True) == [
        "job: 0 of 9 frames checked in 1.2 s",
        "Interrupted: the remaining frames were not checked.",
    ]


def test_identical_frames_from_a_different_environment_are_pointed_out():
    from farm.results import EnvironmentChange

    change = EnvironmentChange(key="torch", recorded="2.12.0", now="2.13.0")
    same = FrameFinding(first=0, last=8, verdict=Verdict.IDENTICAL, changes=(change,))
    assert report(same)[1:] == [
        "All frames are identical, bit for bit, despite a different environment: torch 2.12.0 -> 2.13.0."
    ]


def test_frames_that_cannot_be_rendered_give_their_reason_in_one_line():
    failed = FrameFinding(first=0, last=3, verdict=Verdict.FAILED, reason="Traceback:\n  no room")
    same = FrameFinding(first=4, last=8, verdict=Verdict.IDENTICAL)
    assert report(failed, same) == [
        "job: 9 of 9 frames checked in 1.2 s: 5 identical, 4 not rendered",
        "frames  verdict",
        "0-3     failed   Traceback: no room",
        "Frames that could not be rendered again were not compared; the reasons are listed above.",
    ]


def test_control_characters_are_shown_as_escapes():
    failed = FrameFinding(first=0, last=0, verdict=Verdict.FAILED, reason="\x1b[31mred")
    assert report(failed)[2] == "0       failed   \\x1b[31mred"


def test_a_fast_job_is_not_blamed_on_the_hardware_and_another_node_is_named():
    differs = FrameFinding(first=0, last=0, verdict=Verdict.DIFFERS, nodes=("alpha", "beta"))
    assert report(differs, promised=False)[2:] == [
        "0       differs  same environment, on beta instead of alpha",
        "Same environment: the job uses determinism: fast, which does not guarantee equal bits on a GPU.",
    ]


def test_without_a_command_to_suggest_the_report_describes_it():
    gone = FrameFinding(first=0, last=0, verdict=Verdict.MISSING, reason="its file is missing")
    assert report(gone)[-1] == (
        "To render the missing frames, run: farm render with this job's manifest and --output-dir"
    )
