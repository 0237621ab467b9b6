"""Jobs whose frames are measured: during rendering, later, again, and not at all."""

import json
import threading

import pyarrow.parquet as pq
import pytest

from farm.errors import ModelError, UsageError
from farm.events import ChunkDone
from farm.execute import InlineExecutor, InlineTasks
from farm.results import assemble_outputs
from farm.run import analyze_job, prepare, render

SMOOTHNESS = ("rgb_change", "perceptual_change", "flicker", "blank", "outlier")
MEASURED = {"output": ("output:", "analysis: {smoothness: true}\noutput:")}


class CountedTasks(InlineTasks):
    """Calls in this process, counts the calls, and fails on request."""

    def __init__(self, fails=False):
        self.measured, self.fails = [], fails

    def __call__(self, function, spec, folder, sequence):
        if self.fails:
            raise ModelError("the scoring model failed")
        self.measured += [one.frame for one in sequence.frames]
        return function(spec, folder, sequence)


def executor_with(background):
    executor = InlineExecutor()
    executor.background = background
    return executor


@pytest.fixture
def make(write_manifest, tmp_path):
    def run(background=None, *, overrides=(), **manifest):
        path = write_manifest(**manifest)
        job = prepare(path, output_dir=str(tmp_path), procedural=True, overrides=overrides)
        with executor_with(background or CountedTasks()) as executor:
            [summary] = render([job], executor, lambda event: None)
        return summary

    return run


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "job-rehearsal"


def columns(folder, *names):
    table = pq.read_table(folder / "metadata.parquet")
    return [table[name].to_pylist() for name in names]


def test_measurements_are_in_the_table_the_summary_and_the_page(make, folder):
    background = CountedTasks()
    summary = make(background, **MEASURED)
    assert background.measured == list(range(21))
    changes, blank, outlier = columns(folder, "rgb_change", "blank", "outlier")
    assert changes[0] is None
    assert all(change > 0 for change in changes[1:])
    assert blank == outlier == [False] * 21
    schema = pq.read_schema(folder / "metadata.parquet")
    assert schema.field("rgb_change").metadata[b"unit"] == b"of the range"
    sentences = json.loads(schema.metadata[b"analysis"])["sentences"]
    assert sentences == json.loads((folder / "summary.json").read_text())["analysis"]["sentences"]
    assert sentences[0]["text"].startswith("The largest jump is from frame ")
    assert "The largest jump" in (folder / "report.html").read_text()
    assert summary.state == "done"


def test_frames_are_measured_before_all_are_rendered(write_manifest, tmp_path):
    background, measured, waited = CountedTasks(), threading.Event(), []

    def measure(*arguments):
        values = background(*arguments)
        measured.set()
        return values

    def wait(event):
        if isinstance(event, ChunkDone) and event.rows[-1].frame == 31:
            waited.append(measured.wait(60))

    measure.concurrency = 1
    job = prepare(write_manifest(frames=60, **MEASURED), output_dir=str(tmp_path), procedural=True)
    with executor_with(measure) as executor:
        render([job], executor, wait, chunks_per_shard=1)
    assert waited == [True], "the first 24 frames were measured with 28 still to come"
    assert background.measured == list(range(60))


def test_a_job_without_analysis_has_no_measurement_columns(make, folder):
    summary = make()
    names = pq.read_schema(folder / "metadata.parquet").names
    assert not set(SMOOTHNESS) & set(names)
    assert summary.analysis is None


def test_a_second_run_measures_nothing_again(make, folder):
    make(**MEASURED)
    before = columns(folder, *SMOOTHNESS)
    background = CountedTasks()
    make(background, **MEASURED)
    assert background.measured == []
    assert columns(folder, *SMOOTHNESS) == before


def test_frames_measured_during_rendering_and_later_have_the_same_values(make, folder):
    make(**MEASURED)
    during_rendering = columns(folder, *SMOOTHNESS)
    make()
    assert not set(SMOOTHNESS) & set(pq.read_schema(folder / "metadata.parquet").names)
    frames = {path.name: path.stat().st_mtime_ns for path in (folder / "frames").iterdir()}
    (folder / ".farm" / "analysis").rename(folder / "gone")
    made = analyze_job(str(folder), executor_with(CountedTasks()), ["analysis.smoothness=true"])
    assert (made.frames, made.planned) == (21, 21)
    assert columns(folder, *SMOOTHNESS) == during_rendering
    assert {path.name: path.stat().st_mtime_ns for path in (folder / "frames").iterdir()} == frames
    assert "smoothness: true" in (folder / "manifest.yaml").read_text()


def test_only_sequences_around_changed_pictures_are_measured_again(make, folder):
    make(frames=60, **MEASURED)
    background = CountedTasks()
    # The section up to the last prompt changes: frames 31 to 59, and so the sequences of 24 to 47 and 48 to 59.
    make(background, frames=60, prompts=("[a, b, c]", "[a, b, d]"), **MEASURED)
    assert background.measured == list(range(24, 60))


def test_a_failed_measurement_costs_no_frame_and_is_reported(make, folder):
    summary = make(CountedTasks(fails=True), **MEASURED)
    assert (summary.state, summary.exit_code, summary.frames.rendered) == ("partial", 3, 21)
    assert summary.error == "analysis: the scoring model failed"
    assert columns(folder, "rgb_change") == [[None] * 21]
    assert (folder / "job.gif").exists()
    assert make(**MEASURED).state == "done"


def test_assembling_keeps_measurements(make, folder):
    make(**MEASURED)
    before = columns(folder, *SMOOTHNESS)
    assemble_outputs(str(folder))
    assert columns(folder, *SMOOTHNESS) == before


def test_a_failed_analysis_of_finished_frames_leaves_the_table_unchanged(make, folder):
    make()
    before = (folder / "metadata.parquet").read_bytes()
    with pytest.raises(ModelError, match="the scoring model failed"):
        analyze_job(str(folder), executor_with(CountedTasks(fails=True)), ["analysis.smoothness=true"])
    assert (folder / "metadata.parquet").read_bytes() == before


def test_a_manifest_without_analysis_is_refused_with_a_remedy(make, folder):
    make()
    with pytest.raises(UsageError) as refused:
        analyze_job(str(folder), executor_with(CountedTasks()))
    assert str(refused.value) == (
        f"{folder}: its manifest has no analysis section. Choose what to measure, such as "
        "--set analysis.smoothness=true, or add the section to its manifest.yaml."
    )


def test_only_the_analysis_of_finished_frames_can_be_changed(make, folder):
    make(**MEASURED)
    before = (folder / "manifest.yaml").read_bytes()
    with pytest.raises(UsageError) as refused:
        analyze_job(str(folder), executor_with(CountedTasks()), ["analysis.smoothness=true", "name=other"])
    assert str(refused.value) == (
        "--set name=other: the frames are already rendered, so only their analysis can change; needed: fields "
        "of the analysis section, such as analysis.smoothness=true."
    )
    assert (folder / "manifest.yaml").read_bytes() == before


def test_a_run_that_removes_measurements_warns_before(make, folder, write_manifest, tmp_path):
    make(**MEASURED)
    job = prepare(write_manifest(), output_dir=str(tmp_path), procedural=True)
    assert job.remarks == (
        f"{folder}: its frames were measured, but this manifest has no analysis section: a run removes the "
        "measurements from its table and page. Copy the analysis section from the manifest.yaml in that folder, or "
        "run farm analyze again afterwards.",
    )
    make()
    assert prepare(write_manifest(), output_dir=str(tmp_path), procedural=True).remarks == ()
