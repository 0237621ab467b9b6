"""Defects after a job's frames affect neither its frames nor another job."""

import json
import logging

import pyarrow.parquet as pq
import pytest

from farm.errors import StorageError
from farm.events import ChunkDone
from farm.execute import InlineExecutor
from farm.results import assemble_outputs
from farm.run import analyze_job, prepare, render
from farm.run import live_pages as job_page
from farm.run.job_run import JobRun

MEASURED = {"output": ("output:", "analysis: {smoothness: true}\noutput:")}
ALL = ["contact_sheet.png", "job.gif", "job.mp4"]


@pytest.fixture
def make(write_manifest, tmp_path):
    def run(*names, on_event=lambda event: None, **manifest):
        jobs = [
            prepare(write_manifest(name, **manifest), output_dir=str(tmp_path), procedural=True)
            for name in names
        ]
        with InlineExecutor() as executor:
            return render(jobs, executor, on_event)

    return run


def measured(folder):
    return "rgb_change" in pq.read_schema(folder / "metadata.parquet").names


@pytest.mark.parametrize(
    ("error", "said"),
    [(ValueError("no such chart"), "ValueError: no such chart"), (StorageError("disk full"), "disk full")],
)
def test_a_failed_page_costs_no_output_and_no_other_job(make, monkeypatch, tmp_path, error, said):
    write = job_page.write_report

    def broken(folder, data, strip):
        if data.name == "job":
            raise error
        write(folder, data, strip)

    monkeypatch.setattr(job_page, "write_report", broken)
    first, second = make("job", "other")
    assert (first.state, first.exit_code, first.error) == ("partial", 3, f"report.html: {said}")
    assert sorted(output.name for output in first.outputs) == ALL
    assert json.loads((tmp_path / "job-rehearsal" / "summary.json").read_text())["error"] == first.error
    assert second.state == "done"
    assert (tmp_path / "other-rehearsal" / "report.html").exists()


def test_a_failed_page_of_a_running_job_is_logged(make, monkeypatch, caplog):
    write = job_page.write_report

    def broken(folder, data, strip):
        if data.state == "running":
            raise ValueError("no such chart")
        write(folder, data, strip)

    monkeypatch.setattr(job_page, "write_report", broken)
    with caplog.at_level(logging.ERROR):
        [summary] = make("job")
    assert summary.state == "done"
    assert "the page of job cannot be written now" in caplog.text


@pytest.mark.parametrize("step", ["start", "shards", "record_outcome", "finish"])
def test_any_error_of_a_job_ends_only_that_job(make, monkeypatch, step):
    class PanicException(BaseException):
        pass

    sound = getattr(JobRun, step)

    def panics(run, *arguments):
        if run.job.plan.name == "second":
            raise PanicException("index out of bounds")
        return sound(run, *arguments)

    monkeypatch.setattr(JobRun, step, panics)
    first, second, third = make("first", "second", "third")
    assert (first.state, third.state) == ("done", "done")
    assert (second.state, second.exit_code) == ("failed", 1) if step != "finish" else ("partial", 3)
    assert second.error == "PanicException: index out of bounds"


def test_failed_insights_cost_no_output(make, monkeypatch, tmp_path):
    def broken(*_, **__):
        raise ZeroDivisionError("of nothing")

    monkeypatch.setattr("farm.analyze.insights_of", broken)
    [summary] = make("job", **MEASURED)
    assert (summary.state, summary.error) == ("partial", "analysis: ZeroDivisionError: of nothing")
    assert sorted(output.name for output in summary.outputs) == ALL
    assert not measured(tmp_path / "job-rehearsal")


def test_measurements_before_an_interruption_are_kept_in_table_and_summary(make, tmp_path):
    arrived = []

    def interrupt(event):
        if isinstance(event, ChunkDone):
            arrived.append(event)
            if len(arrived) == 4:
                raise KeyboardInterrupt

    [summary] = make("job", on_event=interrupt, frames=41, **MEASURED)
    assert summary.state == "interrupted"
    assert measured(tmp_path / "job-rehearsal")
    assert summary.analysis is not None


def test_a_failed_analysis_keeps_earlier_measurements(make, monkeypatch, tmp_path):
    make("job", **MEASURED)
    folder = tmp_path / "job-rehearsal"
    before = pq.read_table(folder / "metadata.parquet")["rgb_change"].to_pylist()
    executor = InlineExecutor()

    def ill(*_):
        raise StorageError("the scoring model failed")

    ill.concurrency = 1
    executor.background = ill
    with pytest.raises(StorageError, match="the scoring model failed"):
        analyze_job(str(folder), executor, ["analysis.clip.pretrained=tiny-world-clip"])
    assemble_outputs(str(folder))
    table = pq.read_table(folder / "metadata.parquet")
    assert table["rgb_change"].to_pylist() == before
    assert "clip_score" not in table.schema.names


def test_a_run_with_nothing_to_render_still_reports_which_workers_rendered_the_frames(make):
    [first] = make("job")
    [second] = make("job")
    assert second.frames.kept == 21
    assert second.workers == first.workers
    assert sum(worker.frames for worker in first.workers) == 21
    assert all(worker.seconds > 0 for worker in first.workers)
