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


def test_a_finished_job_is_done_with_all_its_frames_whole(rendered):
    folder = rendered()
    before = files(folder)
    found = inspected(folder)
    assert (found.name, found.kind, found.state, found.run) == ("job", "interpolate", "done", "")
    assert (found.planned, found.there, found.whole, found.failed) == (21, 21, 21, 0)
    assert (found.missing, found.remarks, found.measured, found.change) == ((), (), False, None)
    assert [share.frames for share in found.environments] == [21]
    assert files(folder) == before


def test_frames_that_are_not_whole_are_told_with_what_became_of_them(rendered):
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


def test_frames_that_were_given_up_are_told_with_the_reason(rendered):
    folder = rendered()
    (folder / ".farm" / "ledger" / "frame000004-000007.jsonl").unlink()
    failures = [{"first": 4, "last": 7, "reason": "the worker died"}]
    edit_summary(folder, state="partial", failures=failures, error="too many frames were lost")
    found = inspected(folder)
    assert (found.state, found.failed, found.error) == ("partial", 4, "too many frames were lost")
    assert found.missing == (FrameRange(first=4, last=7, reason="the worker died"),)


def test_a_job_that_runs_is_running_whatever_its_last_run_said(rendered):
    folder = rendered()
    (folder / ".farm" / "ledger" / "frame000004-000007.jsonl").unlink()
    edit_summary(folder, state="failed", failures=[{"first": 4, "last": 7, "reason": "the worker died"}])
    claim = FolderLock(JobFolder(str(folder))).acquire()
    try:
        found = inspected(folder)
    finally:
        claim.release()
    assert (found.state, found.failed, found.error, found.seconds) == ("running", 0, "", None)
    assert found.run.startswith("process ")
    assert found.missing == (FrameRange(first=4, last=7, reason="not rendered yet"),)
    assert inspected(folder).state == "failed"


def test_a_job_whose_run_was_killed_is_unfinished(rendered):
    folder = rendered()
    (folder / "summary.json").unlink()
    assert inspected(folder).state == "unfinished"


def test_a_job_whose_run_was_killed_stays_unfinished_when_it_is_measured(rendered):
    folder = rendered()
    (folder / "summary.json").unlink()
    analyze_job(str(folder), InlineExecutor(), ["analysis.smoothness=true"])
    found = inspected(folder)
    assert (found.state, found.seconds, found.finished_at, found.measured) == ("unfinished", None, "", True)


def test_frames_that_are_measured_with_others_that_are_gone_count_as_not_measured(rendered):
    folder = rendered()
    analyze_job(str(folder), InlineExecutor(), ["analysis.smoothness=true"])
    assert inspected(folder).unmeasured == 0
    (folder / file_name(3)).unlink()
    assert (inspected(folder).measured, inspected(folder).unmeasured) == (True, 20)
    analyze_job(str(folder), InlineExecutor(), ["analysis.smoothness=true"])
    assert inspected(folder).unmeasured == 0


def test_frames_that_need_a_remark_get_it(rendered):
    folder = rendered()
    edit_rows(folder, [5], lambda row: row.update(flaw="blank"))
    assert inspected(folder).remarks == (
        FrameRange(first=5, last=5, reason="blank, also when it was rendered again"),
    )


def test_what_was_measured_is_told_and_the_change_from_frame_to_frame_is_there_to_be_drawn(rendered):
    folder = rendered()
    made = analyze_job(str(folder), InlineExecutor(), ["analysis.smoothness=true"])
    found = inspected(folder)
    assert found.measured
    assert found.sentences == tuple(sentence.text for sentence in made.findings.insights.sentences)
    assert "The largest jump is from frame " in found.sentences[0]
    assert found.jumps == made.findings.insights.jumps
    assert (found.change.column, found.change.label) == ("perceptual_change", "perceptual")
    assert found.change.values == tuple(made.findings.curves["perceptual_change"])


def test_pictures_that_do_not_follow_from_each_other_have_no_change_to_draw(rendered):
    folder = rendered(
        kind=("kind: interpolate, prompts: [a, b, c], frames: 21", "kind: stills, prompts: [a, b, c]")
    )
    analyze_job(str(folder), InlineExecutor(), ["analysis.smoothness=true"])
    found = inspected(folder)
    assert (found.measured, found.change, found.jumps) == (True, None, ())


def test_a_folder_that_is_no_jobs_is_refused(tmp_path):
    with pytest.raises(UsageError) as told:
        inspected(tmp_path)
    assert str(told.value) == f"{tmp_path}: not a job's folder: it holds no manifest.yaml."


@pytest.mark.parametrize("look", [inspect, build_report])
def test_a_job_whose_manifest_was_changed_to_millions_of_frames_is_refused(rendered, look):
    folder = rendered()
    manifest = folder / "manifest.yaml"
    text = manifest.read_text()
    assert "frames: 21\n" in text
    manifest.write_text(text.replace("frames: 21\n", "frames: 10000000\n"))
    with pytest.raises(UsageError) as refused:
        look(str(folder))
    assert str(refused.value) == (
        f"{manifest}: plans 10000000 frames; jobs of up to 1000000 frames are inspected and have pages. Read its "
        "metadata.parquet, or open it in Python with farm.open."
    )


def test_a_page_costs_time_in_proportion_to_the_frames_that_are_planned(rendered):
    folder = rendered()
    manifest = folder / "manifest.yaml"
    text = manifest.read_text()
    assert "frames: 21\n" in text
    manifest.write_text(text.replace("frames: 21\n", "frames: 100000\n"))
    started = time.process_time()
    build_report(str(folder))
    assert time.process_time() - started < 15  # with a list of all frames for each frame it was half a minute
