"""The findings of a verification."""

import shutil

import pytest

from farm.errors import OutOfMemory, RenderError
from farm.events import ChunkDone, JobFinished, JobStarted
from farm.results import Verdict, job_to_verify, verify
from farm.results.job import render_again
from farm.results.verify import sampled
from farm.run import prepare
from farm.store import JobFolder, Ledger, file_name
from tests.results.verify.verifying import Renderers, files, not_identical, quiet, verified
from tests.tampering import as_if_rendered_so, edit_rows, flip_pixel


def test_a_rendered_job_is_identical_and_unchanged_after_verification(rendered):
    folder = rendered(procedural=False)
    before = files(folder)
    found = verified(folder)
    assert (found.exit_code, found.count(), found.count(Verdict.IDENTICAL)) == (0, 21, 21)
    assert [(each.first, each.last) for each in found.findings] == [(0, 20)]
    assert found.changes == ()
    assert files(folder) == before
    assert {path.name for path in (folder / ".farm").iterdir()} == {"events.jsonl", "ledger"}


def test_a_flipped_pixel_in_a_valid_file_is_found_and_measured(rendered):
    folder = rendered(procedural=False)
    flip_pixel(folder, 6)
    found = verified(folder)
    assert not_identical(found) == [(6, 6, "altered", "its pixels were changed")]
    [altered] = [each for each in found.findings if each.verdict is Verdict.ALTERED]
    assert altered.difference.max == 8
    assert altered.difference.mean == pytest.approx(8 / (16 * 16 * 3))
    assert (altered.pixels_as_recorded, found.exit_code) == (False, 1)


def test_a_frame_with_another_rendering_differs_even_if_it_matches_the_ledger(rendered):
    folder = rendered()
    as_if_rendered_so(folder, 6)
    as_if_rendered_so(folder, 9, by=1, numpy="1.26.0", blas="old")
    found = verified(folder)
    assert not_identical(found) == [(6, 6, "differs", ""), (9, 9, "differs", "")]
    same_environment, other_environment = [each for each in found.findings if each.verdict is Verdict.DIFFERS]
    assert (same_environment.difference.max, same_environment.changes) == (8, ())
    assert other_environment.difference.max == 1
    assert other_environment.difference.psnr > same_environment.difference.psnr
    assert [change.key for change in other_environment.changes] == ["blas", "numpy"]
    assert other_environment.changes[1].recorded == "1.26.0"


def test_truncated_empty_rewritten_and_missing_files_are_distinguished(rendered):
    folder = rendered()
    truncated, empty, rewritten, missing = (folder / file_name(frame) for frame in (1, 2, 3, 4))
    truncated.write_bytes(truncated.read_bytes()[:200])
    empty.write_bytes(b"")
    flip_pixel(folder, 3)
    flip_pixel(folder, 3)
    missing.unlink()
    assert not_identical(verified(folder)) == [
        (1, 1, "altered", "its file is not a complete RGB PNG"),
        (2, 2, "altered", "its file is empty"),
        (3, 3, "altered", "its file was changed, its pixels were not"),
        (4, 4, "missing", "its file is missing"),
    ]
    assert rewritten.exists()


def test_frames_without_a_row_are_missing_and_their_chunks_are_not_rendered(rendered):
    folder = rendered()
    for part in ("frame000008-000011", "frame000012-000015", "frame000020-000020"):
        (folder / ".farm" / "ledger" / f"{part}.jsonl").unlink()
    renderers = Renderers()
    found = verified(folder, renderers=renderers)
    assert not_identical(found) == [
        (8, 15, "missing", "not in the ledger"),
        (20, 20, "missing", "not in the ledger"),
    ]
    assert (found.exit_code, len(renderers.calls)) == (3, 3)


def test_a_folder_without_frames_needs_no_model_and_starts_no_worker(rendered, tmp_path):
    folder = rendered(procedural=False)
    manifest = folder / "manifest.yaml"
    for path in (folder / ".farm" / "ledger").iterdir():
        path.unlink()
    lines = manifest.read_text().splitlines(keepends=True)
    manifest.write_text(
        "".join("  pretrained: /missing\n" if "pretrained:" in line else line for line in lines)
    )

    class NoExecutor:
        def __enter__(self):
            raise AssertionError("a worker was started")

    found = verify(job_to_verify(str(folder)), NoExecutor(), quiet)
    assert not_identical(found) == [(0, 20, "missing", "not in the ledger")]
    assert found.exit_code == 1


def test_after_an_edit_only_frames_of_the_current_recipe_are_compared(rendered):
    folder = rendered()
    manifest = folder / "manifest.yaml"
    assert "- c\n" in manifest.read_text()
    manifest.write_text(manifest.read_text().replace("- c\n", "- d\n"))
    found = verified(folder)
    assert not_identical(found) == [(11, 20, "other recipe", "its recipe changed since")]
    assert found.exit_code == 3


def test_after_a_change_of_the_weights_nothing_can_be_compared(rendered, tiny_sd, tmp_path):
    import torch
    from safetensors.torch import load_file, save_file

    copy = tmp_path / "copy"
    shutil.copytree(tiny_sd, copy)
    folder = rendered(procedural=False, pretrained=copy)
    assert verified(folder, sample=1).exit_code == 0

    weights = copy / "vae" / "diffusion_pytorch_model.safetensors"
    tensors = load_file(weights)
    name = next(name for name, tensor in tensors.items() if tensor.dtype == torch.float32)
    tensors[name] = tensors[name] + 1
    save_file(tensors, weights, metadata={"format": "pt"})
    found = verified(folder)
    assert not_identical(found) == [(0, 20, "other recipe", "the model changed since")]
    assert (found.compared, found.exit_code) == (0, 1)


def test_frames_that_cannot_be_rendered_again_have_a_reason_and_affect_no_others(rendered):
    folder = rendered()
    (folder / file_name(9)).write_bytes(b"")

    def poison(chunk):
        if any(frame.index == 8 for frame in chunk.frames):
            raise RenderError("poison")

    found = verified(folder, renderers=Renderers(poison))
    assert not_identical(found) == [
        (8, 8, "failed", "poison"),
        (9, 9, "altered", "its file is empty"),
        (10, 11, "failed", "poison"),
    ]
    assert found.count(Verdict.IDENTICAL) == 17


def test_frames_of_smaller_calls_are_rendered_again_in_calls_of_that_size(rendered):
    def run_out(chunk):
        if chunk.batch_size > 2 and chunk.index == 1:
            raise OutOfMemory("out of memory")

    folder = rendered(procedural=False, renderers=Renderers(run_out))
    rows = {row.frame: row.frames_per_call for row in Ledger(JobFolder(str(folder))).rows()}
    assert {frame for frame, size in rows.items() if size == 2} == {4, 5, 6, 7}
    renderers = Renderers()
    found = verified(folder, renderers=renderers)
    assert (found.exit_code, found.changes) == (0, ())
    assert renderers.calls[:4] == [[0, 1, 2, 3], [4, 5], [6, 7], [8, 9, 10, 11]]


def test_a_call_that_is_smaller_for_lack_of_memory_is_a_change(rendered):
    folder = rendered()

    def run_out(chunk):
        if chunk.batch_size > 2 and chunk.index == 1:
            raise OutOfMemory("out of memory")

    found = verified(folder, renderers=Renderers(run_out))
    assert [str(change) for change in found.changes] == ["frames_per_call 4 -> 2"]


def test_a_sample_is_spread_evenly_from_the_first_frame_to_the_last(write_manifest, tmp_path):
    def chunks(count, frames=100):
        plan = prepare(write_manifest(frames=frames), output_dir=str(tmp_path), procedural=True).plan
        return [*sampled(plan, count)]

    assert chunks(1) == [0]
    assert chunks(2) == [0, 24]
    assert chunks(3) == [0, 12, 24]
    assert chunks(5) == [0, 6, 12, 18, 24]
    assert chunks(99) == chunks(100) == chunks(1000) == chunks(None) == [*range(25)]
    assert chunks(12, frames=12) == [0, 1, 2]
    assert chunks(1, frames=1) == chunks(2, frames=1) == [0]


def test_complete_chunks_of_a_sample_are_rendered_and_compared(rendered):
    folder = rendered()
    flip_pixel(folder, 2)
    flip_pixel(folder, 10)
    flip_pixel(folder, 17)
    renderers = Renderers()
    found = verified(folder, sample=2, renderers=renderers)
    assert renderers.calls == [[0, 1, 2, 3], [20]]
    assert not_identical(found) == [(2, 2, "altered", "its pixels were changed")]
    assert (found.count(), found.planned) == (5, 21)


def test_events_are_those_of_a_run(rendered):
    events = []
    verified(rendered(), on_event=events.append, sample=2)
    assert events[0] == JobStarted(job="job", frame_count=5, kept=0)
    assert [len(event.rows) for event in events if isinstance(event, ChunkDone)] == [4, 1]
    assert events[-1] == JobFinished(job="job", state="done")


def test_the_command_that_renders_again_is_empty_for_a_renamed_folder(rendered, tmp_path):
    folder = rendered()
    job = job_to_verify(str(folder))
    assert render_again(job) == (f"farm render {folder}/manifest.yaml --output-dir {tmp_path} --procedural")
    renamed = folder.rename(tmp_path / "kept")
    assert render_again(job_to_verify(str(renamed))) == ""
    real = rendered(procedural=False)
    assert (
        render_again(job_to_verify(str(real))) == f"farm render {real}/manifest.yaml --output-dir {tmp_path}"
    )


def test_fast_jobs_do_not_promise_bits(rendered):
    assert verified(rendered(), sample=1).promised
    folder = rendered(procedural=False, determinism=("height: 16", "determinism: fast, height: 16"))
    assert not verified(folder, sample=1).promised


def test_a_frame_that_differs_names_the_nodes_of_both_renderings(rendered):
    folder = rendered()
    as_if_rendered_so(folder, 6)
    edit_rows(folder, [5, 6], lambda row: row.update(node="alpha"))
    found = verified(folder)
    [differs] = [each for each in found.findings if each.verdict is Verdict.DIFFERS]
    rows = {row.frame: row for row in Ledger(JobFolder(str(folder))).rows()}
    assert differs.nodes == ("alpha", rows[0].node)
    assert differs.changes == ()
