import json
import os
import signal
import threading
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from PIL import Image

from farm.errors import RenderError, UsageError
from farm.events import ChunkDone, JobFinished, JobStarted
from farm.execute import InlineExecutor
from farm.render import open_renderer
from farm.results import assemble_outputs
from farm.run import prepare, render
from tests.tampering import edit_rows


class Renderers:
    """Opens real renderers, and fails on the given frames."""

    def __init__(self, poison=()):
        self.poison = set(poison)

    def __call__(self, spec):
        renderer, poison = open_renderer(spec), self.poison
        draw = renderer.render

        def render(chunk):
            if poison & {frame.index for frame in chunk.frames}:
                raise RenderError("poison")
            return draw(chunk)

        renderer.render = render
        return renderer


def run(*paths, output_dir, poison=(), procedural=True, on_event=lambda event: None):
    jobs = [prepare(path, output_dir=str(output_dir), procedural=procedural) for path in paths]
    with InlineExecutor(open_renderer=Renderers(poison)) as executor:
        return render(jobs, executor, on_event)


def test_a_job_leaves_all_its_files_and_no_temporary_ones(write_manifest, tmp_path):
    [summary] = run(write_manifest(), output_dir=tmp_path / "out")
    folder = tmp_path / "out" / "job-rehearsal"
    assert (summary.state, summary.frames.rendered, summary.frames.planned) == ("done", 21, 21)
    assert {path.name for path in folder.iterdir()} == {
        *("manifest.yaml", "frames", "metadata.parquet", "job.gif", "job.mp4", "contact_sheet.png"),
        *("summary.json", "report.html", "preview.webp", ".farm"),
    }
    assert len(list((folder / "frames").iterdir())) == 21
    assert not [path for path in folder.rglob("*") if "tmp" in path.name]
    with Image.open(folder / "job.gif") as gif:
        assert gif.n_frames == 21


def test_the_table_is_an_image_folder_with_a_row_per_frame(write_manifest, tmp_path):
    run(write_manifest(), output_dir=tmp_path)
    folder = tmp_path / "job-rehearsal"
    table = pq.read_table(folder / "metadata.parquet")
    assert table["frame"].to_pylist() == list(range(21))
    assert all((folder / name).is_file() for name in table["file_name"].to_pylist())
    assert table.schema.metadata[b"manifest"].decode() == (folder / "manifest.yaml").read_text()


def test_a_second_run_renders_nothing_and_writes_the_same_files(write_manifest, tmp_path):
    path = write_manifest()
    run(path, output_dir=tmp_path)
    before = {p: p.read_bytes() for p in (tmp_path / "job-rehearsal").rglob("*.png")}
    [summary] = run(path, output_dir=tmp_path)
    assert (summary.state, summary.frames.rendered, summary.frames.kept) == ("done", 0, 21)
    assert {p: p.read_bytes() for p in (tmp_path / "job-rehearsal").rglob("*.png")} == before


def test_missing_truncated_and_altered_frames_are_rendered_again_with_the_same_bits(
    write_manifest, tmp_path, tiny_sd
):
    path = write_manifest()
    run(path, output_dir=tmp_path, procedural=False)
    frames = tmp_path / "job" / "frames"
    before = {p.name: p.read_bytes() for p in frames.iterdir()}
    (frames / "frame000006.png").unlink()
    (frames / "frame000020.png").write_bytes(b"cut")
    flipped = bytearray(before["frame000000.png"])
    flipped[len(flipped) // 2] ^= 1
    (frames / "frame000000.png").write_bytes(flipped)
    [summary] = run(path, output_dir=tmp_path, procedural=False)
    assert (summary.frames.rendered, summary.frames.kept) == (9, 12)
    assert {p.name: p.read_bytes() for p in frames.iterdir()} == before


def test_changing_the_frame_rate_renders_nothing(write_manifest, tmp_path):
    run(write_manifest(), output_dir=tmp_path)
    [summary] = run(write_manifest(fps=("gif: {fps: 10}", "gif: {fps: 5}")), output_dir=tmp_path)
    assert summary.frames.rendered == 0
    with Image.open(tmp_path / "job-rehearsal" / "job.gif") as gif:
        assert gif.info["duration"] == 200


def test_a_disabled_output_is_removed(write_manifest, tmp_path):
    run(write_manifest(), output_dir=tmp_path)
    run(write_manifest(gif=("gif: {fps: 10}", "gif: false")), output_dir=tmp_path)
    assert not (tmp_path / "job-rehearsal" / "job.gif").exists()
    assert (tmp_path / "job-rehearsal" / "job.mp4").exists()


def test_the_resolved_manifest_renders_the_same_frames_from_anywhere(write_manifest, tmp_path, tiny_sd):
    (tmp_path / "model").symlink_to(tiny_sd)
    run(write_manifest(pretrained="./model"), output_dir=tmp_path / "out", procedural=False)
    [again] = run(tmp_path / "out" / "job" / "manifest.yaml", output_dir=tmp_path / "out", procedural=False)
    assert (again.state, again.frames.kept, again.frames.rendered) == ("done", 21, 0)


def test_a_bad_frame_does_not_affect_the_others(write_manifest, tmp_path):
    [summary] = run(write_manifest(), output_dir=tmp_path, poison={9})
    assert (summary.state, summary.exit_code) == ("partial", 3)
    assert [(failed.first, failed.last, failed.reason) for failed in summary.failures] == [(8, 11, "poison")]
    table = pq.read_table(tmp_path / "job-rehearsal" / "metadata.parquet")
    assert table["frame"].to_pylist() == [*range(8), *range(12, 21)]
    written = json.loads((tmp_path / "job-rehearsal" / "summary.json").read_text())
    assert written["failures"] == [{"first": 8, "last": 11, "reason": "poison"}]
    [again] = run(write_manifest(), output_dir=tmp_path)
    assert (again.state, again.frames.rendered, again.frames.kept) == ("done", 4, 17)


def test_a_job_without_finished_frames_has_failed(write_manifest, tmp_path):
    [summary] = run(write_manifest(), output_dir=tmp_path, poison=range(21))
    assert (summary.state, summary.exit_code, summary.outputs) == ("failed", 1, ())


def test_ctrl_c_keeps_finished_frames_and_earlier_outputs(write_manifest, tmp_path):
    path = write_manifest()

    chunks = []

    def stop_after_two(event):
        if isinstance(event, ChunkDone):
            chunks.append(event)
            if len(chunks) == 2:
                raise KeyboardInterrupt

    [summary] = run(path, output_dir=tmp_path, on_event=stop_after_two)
    folder = tmp_path / "job-rehearsal"
    assert (summary.state, summary.exit_code) == ("interrupted", 130)
    assert not (folder / "job.gif").exists()
    [again] = run(path, output_dir=tmp_path)
    assert again.state == "done"
    assert again.frames.kept >= 8
    assert (folder / "job.gif").exists()


def test_jobs_of_a_batch_are_reported_separately_and_an_unwritable_one_stops_no_other(
    write_manifest, tmp_path
):
    first, second, third = (write_manifest(name) for name in ("one", "two", "three"))
    (tmp_path / "two-rehearsal").write_text("a file where the folder should be")
    events = []
    summaries = run(first, second, third, output_dir=tmp_path, on_event=events.append)
    assert [summary.state for summary in summaries] == ["done", "failed", "done"]
    assert "two-rehearsal" in summaries[1].error
    assert [event.job for event in events if isinstance(event, JobStarted)] == ["one", "three"]
    ended = {event.job: event.state for event in events if isinstance(event, JobFinished)}
    assert ended == {"one": "done", "two": "failed", "three": "done"}


def test_the_end_of_a_job_is_reported_while_other_jobs_of_the_batch_continue(write_manifest, tmp_path):
    events = []
    paths = [write_manifest(name) for name in ("one", "two")]
    claim = tmp_path / "one-rehearsal" / ".farm" / "claim.json"

    def on_event(event):
        events.append(event)
        until = time.monotonic() + 10
        if isinstance(event, ChunkDone) and event.job == "two":
            while claim.exists() and time.monotonic() < until:
                time.sleep(0.05)
            time.sleep(0.05)  # from the claim's release to the end of its thread

    run(*paths, output_dir=tmp_path, on_event=on_event)
    [first, second] = [position for position, event in enumerate(events) if isinstance(event, JobFinished)]
    assert (events[first].job, events[second].job) == ("one", "two")
    assert any(isinstance(event, ChunkDone) for event in events[first:])


def test_a_second_run_on_a_folder_is_refused_and_does_not_affect_the_first(write_manifest, tmp_path):
    path, refused = write_manifest(), []

    def run_again(event):
        if isinstance(event, ChunkDone) and not refused:
            refused.extend(run(path, output_dir=tmp_path))

    [summary] = run(path, output_dir=tmp_path, on_event=run_again)
    assert [again.state for again in refused] == ["failed"]
    assert "another run has locked this folder" in refused[0].error
    assert (summary.state, summary.frames.rendered) == ("done", 21)
    assert json.loads((tmp_path / "job-rehearsal" / "summary.json").read_text())["state"] == "done"


def test_temporary_files_of_a_killed_run_are_removed(write_manifest, tmp_path):
    leftover = tmp_path / "job-rehearsal" / "frames" / ".tmp-half.png"
    leftover.parent.mkdir(parents=True)
    leftover.write_bytes(b"half")
    run(write_manifest(), output_dir=tmp_path)
    assert not leftover.exists()


def test_two_jobs_with_the_same_name_are_refused(write_manifest, tmp_path):
    path = write_manifest()
    with pytest.raises(
        UsageError, match="^job: two manifests have this name; needed: a unique name for each job of a run.$"
    ):
        run(path, path, output_dir=tmp_path)


def test_outputs_are_assembled_again_from_the_frames_alone(write_manifest, tmp_path):
    run(write_manifest(), output_dir=tmp_path)
    folder = tmp_path / "job-rehearsal"
    former = {
        name: (folder / name).read_bytes() for name in ("job.gif", "contact_sheet.png", "metadata.parquet")
    }
    for name in [*former, "job.mp4"]:
        (folder / name).unlink()
    made = assemble_outputs(str(folder))
    assert (made.frames, made.planned) == (21, 21)
    assert {name: (folder / name).read_bytes() for name in former} == former
    assert (folder / "job.mp4").exists()


def test_frames_of_another_recipe_are_not_mistaken_for_the_manifests(write_manifest, tmp_path):
    run(write_manifest(), output_dir=tmp_path)
    edited = write_manifest(prompts=("[a, b, c]", "[other, b, c]"))
    folder = tmp_path / "job-rehearsal"
    (folder / "manifest.yaml").write_text(edited.read_text())
    made = assemble_outputs(str(folder))
    assert (made.frames, made.planned) == (11, 21)
    assert pq.read_table(folder / "metadata.parquet")["frame"].to_pylist() == list(range(10, 21))


def test_wrong_settings_of_one_frame_cost_no_other_frame_or_job(write_manifest, tmp_path):
    odd = "{class: DDIMScheduler, config: {beta_schedule: odd}}"
    sweep = f"{{kind: sweep, prompt: a, over: {{scheduler: [{odd}, PNDMScheduler]}}}}"
    wrong = write_manifest("wrong", kind=("{kind: interpolate, prompts: [a, b, c], frames: 21}", sweep))
    first, second = run(wrong, write_manifest("right", frames=4), output_dir=tmp_path, procedural=False)
    assert (first.state, second.state) == ("partial", "done")
    assert first.failures[0].reason == (
        "DDIMScheduler: cannot be configured: odd is not implemented for "
        "<class 'diffusers.schedulers.scheduling_ddim.DDIMScheduler'>"
    )


def test_ctrl_c_while_outputs_are_assembled_ends_the_run(write_manifest, tmp_path, monkeypatch):
    path = write_manifest()

    def for_ever(gif, frames, read):
        while True:
            read(0)

    monkeypatch.setattr("farm.reduce.outputs._Gif.finish", for_ever)
    stop = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT))
    done = []

    def stop_when_all_is_rendered(event):
        done.extend(event.rows if isinstance(event, ChunkDone) else ())
        if len(done) == 21 and not stop.is_alive() and not stop.finished.is_set():
            stop.start()

    [summary] = run(path, output_dir=tmp_path, on_event=stop_when_all_is_rendered)
    stop.join()
    folder = tmp_path / "job-rehearsal"
    assert (summary.state, summary.exit_code, summary.frames.rendered) == ("interrupted", 130, 21)
    assert not list(folder.rglob(".tmp*"))
    assert not (folder / "job.mp4").exists()
    assert not (folder / ".farm" / "claim.json").exists()
    assert json.loads((folder / "summary.json").read_text())["state"] == "interrupted"


def test_a_folder_without_a_job_is_not_assembled(tmp_path):
    with pytest.raises(UsageError, match=f"^{tmp_path}: not a job's folder: it has no manifest.yaml.$"):
        assemble_outputs(str(tmp_path))


def test_both_ends_of_an_interpolation_equal_plain_diffusers_pictures(write_manifest, tmp_path, tiny_sd):
    import numpy as np
    import torch
    from diffusers import StableDiffusionPipeline

    path = write_manifest(batch=("batch_size: 4", "batch_size: 1"))
    run(path, output_dir=tmp_path, procedural=False)
    torch.set_num_threads(1)
    pipeline = StableDiffusionPipeline.from_pretrained(tiny_sd)
    pipeline.set_progress_bar_config(disable=True)
    for prompt, frame in (("a", 0), ("b", 10), ("c", 20)):
        plain = pipeline(
            prompt, num_inference_steps=5, generator=torch.Generator("cpu").manual_seed(3)
        ).images[0]
        with Image.open(Path(tmp_path) / "job" / "frames" / f"frame{frame:06d}.png") as ours:
            assert np.array_equal(np.asarray(ours), np.asarray(plain))


def test_frames_of_a_run_with_a_fast_clock_do_not_survive_a_change(write_manifest, tmp_path):
    """Old parts of another batch size overlap the new ones, and have later times."""
    path = write_manifest()
    run(path, output_dir=tmp_path / "out")
    folder = tmp_path / "out" / "job-rehearsal"
    edit_rows(folder, range(21), lambda row: row.update(rendered_at="2099-01-01T00:00:00.000000+00:00"))
    path.write_text(path.read_text().replace("batch_size: 4", "batch_size: 3"))
    [summary] = run(path, output_dir=tmp_path / "out")
    assert pq.read_table(folder / "metadata.parquet").num_rows == summary.frames.rendered == 21
    [again] = run(path, output_dir=tmp_path / "out")
    assert again.frames.kept == 21
