import json
import time

import pytest

from farm.errors import UsageError
from farm.execute import InlineExecutor
from farm.reduce import FrameRange
from farm.results import build_report
from farm.results.inspect import inspect
from farm.run import analyze_job
from farm.store import FolderLock, JobFolder, file_name
from tests.results.verify.verifying import files
from tests.tampering import edit_rows, flip_pixel


def inspected(folder):
    return inspect(str(folder))


def edit_summary(folder, **changes):
    path = folder / "summary.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_a_finished_job_is_done_with_all_frames_intact(rendered):
    folder = rendered()
    before = files(folder)
    found = inspected(folder)
    assert (found.name, found.kind, found.state, found.run) == ("job", "interpolate", "done", "")
    assert (found.planned, found.there, found.whole, found.failed) == (21, 21, 21, 0)
    assert (found.missing, found.remarks, found.measured, found.change) == ((), (), False, None)
    assert [share.frames for share in found.environments] == [21]
    assert files(folder) == before


def test_frames_that_are_not_intact_are_listed_with_reasons(rendered):
    folder = rendered()
    flip_pixel(folder, 0)
    for frame in (3, 4):
        (folder / file_name(frame)).unlink()
    edit_rows(folder, [9], lambda row: row.update(recipe_digest="0" * 64))
    (folder / ".farm" / "ledger" / "frame000016-000019.jsonl").unlink()
    found = inspected(folder)
    assert (found.state, found.planned, found.there, found.whole) == ("incomplete", 21, 14, 13)
    assert found.missing == (
        FrameRange(first=0, last=0, reason="file changed since it was written"),
        FrameRange(first=3, last=4, reason="file missing"),
        FrameRange(first=9, last=9, reason="recipe changed since"),
        FrameRange(first=16, last=19, reason="not rendered"),
    )


def test_failed_frames_are_listed_with_the_reason(rendered):
    folder = rendered()
    (folder / ".farm" / "ledger" / "frame000004-000007.jsonl").unlink()
    failures = [{"first": 4, "last": 7, "reason": "the worker died"}]
    edit_summary(folder, state="partial", failures=failures, error="too many frames were lost")
    found = inspected(folder)
    assert (found.state, found.failed, found.error) == ("partial", 4, "too many frames were lost")
    assert found.missing == (FrameRange(first=4, last=7, reason="the worker died"),)


def test_a_job_is_running_while_its_folder_is_held_whatever_the_last_run_recorded(rendered):
    folder = rendered()
    (folder / ".farm" / "ledger" / "frame000004-000007.jsonl").unlink()
    edit_summary(folder, state="failed", failures=[{"first": 4, "last": 7, "reason": "the worker died"}])
    lock = FolderLock(JobFolder(str(folder))).acquire()
    try:
        found = inspected(folder)
    finally:
        lock.release()
    assert (found.state, found.failed, found.error, found.seconds) == ("running", 0, "", None)
    assert found.run.startswith("process ")
    assert found.missing == (FrameRange(first=4, last=7, reason="not rendered yet"),)
    assert inspected(folder).state == "failed"


def test_a_job_whose_run_was_killed_is_unfinished(rendered):
    folder = rendered()
    (folder / "summary.json").unlink()
    assert inspected(folder).state == "unfinished"


def test_a_killed_job_stays_unfinished_when_it_is_measured(rendered):
    folder = rendered()
    (folder / "summary.json").unlink()
    analyze_job(str(folder), InlineExecutor(), ["analysis.smoothness=true"])
    found = inspected(folder)
    assert (found.state, found.seconds, found.finished_at, found.measured) == ("unfinished", None, "", True)


def test_frames_measured_together_with_missing_ones_count_as_unmeasured(rendered):
    folder = rendered()
    analyze_job(str(folder), InlineExecutor(), ["analysis.smoothness=true"])
    assert inspected(folder).unmeasured == 0
    (folder / file_name(3)).unlink()
    assert (inspected(folder).measured, inspected(folder).unmeasured) == (True, 20)
    analyze_job(str(folder), InlineExecutor(), ["analysis.smoothness=true"])
    assert inspected(folder).unmeasured == 0


def test_flawed_frames_have_remarks(rendered):
    folder = rendered()
    edit_rows(folder, [5], lambda row: row.update(flaw="blank"))
    assert inspected(folder).remarks == (
        FrameRange(first=5, last=5, reason="blank, also when rendered again"),
    )


def test_insights_jumps_and_the_curve_of_change_are_included(rendered):
    folder = rendered()
    analyzed = analyze_job(str(folder), InlineExecutor(), ["analysis.smoothness=true"])
    found = inspected(folder)
    assert found.measured
    assert found.sentences == tuple(sentence.text for sentence in analyzed.findings.insights.sentences)
    assert "The largest jump is from frame " in found.sentences[0]
    assert found.jumps == analyzed.findings.insights.jumps
    assert (found.change.column, found.change.label) == ("perceptual_change", "perceptual")
    assert found.change.values == tuple(analyzed.findings.curves["perceptual_change"])


def test_independent_pictures_have_no_curve_of_change(rendered):
    folder = rendered(
        kind=("kind: interpolate, prompts: [a, b, c], frames: 21", "kind: stills, prompts: [a, b, c]")
    )
    analyze_job(str(folder), InlineExecutor(), ["analysis.smoothness=true"])
    found = inspected(folder)
    assert (found.measured, found.change, found.jumps) == (True, None, ())


def test_a_folder_without_a_job_is_refused(tmp_path):
    with pytest.raises(UsageError) as raised:
        inspected(tmp_path)
    assert str(raised.value) == f"{tmp_path}: not a job's folder: it has no manifest.yaml."


@pytest.mark.parametrize("read", [inspect, build_report])
def test_a_job_whose_manifest_was_changed_to_millions_of_frames_is_refused(rendered, read):
    folder = rendered()
    manifest = folder / "manifest.yaml"
    text = manifest.read_text()
    assert "frames: 21\n" in text
    manifest.write_text(text.replace("frames: 21\n", "frames: 10000000\n"))
    with pytest.raises(UsageError) as refused:
        read(str(folder))
    assert str(refused.value) == (
        f"{manifest}: plans 10000000 frames; allowed: up to 1000000 for inspection and pages. Read its "
        "metadata.parquet, or open it in Python with farm.open."
    )


def test_a_page_takes_time_in_proportion_to_the_planned_frames(rendered):
    folder = rendered()
    manifest = folder / "manifest.yaml"
    text = manifest.read_text()
    assert "frames: 21\n" in text
    manifest.write_text(text.replace("frames: 21\n", "frames: 100000\n"))
    started = time.process_time()
    build_report(str(folder))
    assert time.process_time() - started < 15  # a list of all frames for each frame took half a minute
