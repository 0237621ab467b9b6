"""The measurements of a job, also without some values, and for independent pictures."""

import pyarrow.parquet as pq
import pytest

from farm.execute import InlineExecutor
from farm.results import assemble_outputs
from farm.results.job import open_finished
from farm.results.measurements import findings_in, moves
from farm.run import prepare, render

MEASURED = "analysis: {smoothness: true}\n"
MOVING = {
    "interpolate": "{kind: interpolate, prompts: [a, b], frames: 8}",
    "walk": "{kind: walk, prompt: a, frames: 8, step_size: 0.1}",
    "circle": "{kind: circle, prompt: a, frames: 8}",
}
INDEPENDENT = {
    "grid": "{kind: grid, prompts: [a, b, c, d], rows: 2, columns: 4}",
    "stills": "{kind: stills, prompts: [a, b], seeds: [1, 2, 3, 4]}",
    "sweep": "{kind: sweep, prompt: a, over: {num_inference_steps: [1, 2, 3, 4, 5, 6, 7, 8]}}",
}


@pytest.fixture
def rendered(tmp_path):
    def make(animation):
        path = tmp_path / "job.yaml"
        path.write_text(
            "version: 1\nname: job\nmodel: {pipeline: StableDiffusionPipeline, pretrained: tiny-world}\n"
            f"animation: {animation}\nrender: {{batch_size: 2}}\noutput: {{mp4: false}}\n{MEASURED}"
        )
        job = prepare(path, output_dir=str(tmp_path), procedural=True)
        with InlineExecutor() as executor:
            [summary] = render([job], executor, lambda event: None)
        assert summary.state == "done", summary.error
        return tmp_path / "job-rehearsal"

    return make


def found(folder):
    job = open_finished(str(folder))
    return job.plan, findings_in(job.plan, job.folder, job.analyzed_frames())


@pytest.mark.parametrize("kind", MOVING)
def test_animations_have_jumps(rendered, kind):
    plan, findings = found(rendered(MOVING[kind]))
    assert moves(plan)
    assert findings.insights.jumps


@pytest.mark.parametrize("kind", INDEPENDENT)
def test_independent_pictures_have_no_jumps_and_outliers(rendered, kind):
    plan, findings = found(rendered(INDEPENDENT[kind]))
    assert not moves(plan)
    assert findings.insights.jumps == ()
    assert findings.insights.outliers == ()


def test_unmeasured_frames_have_no_values(rendered):
    folder = rendered(MOVING["interpolate"])
    for path in (folder / ".farm" / "analysis").rglob("frame*.json"):
        path.unlink()
    _, findings = found(folder)
    assert findings.curves["outlier"] == [None] * 8
    assemble_outputs(str(folder))
    assert pq.read_table(folder / "metadata.parquet")["outlier"].to_pylist() == [None] * 8
