import json
import re
import sys
from pathlib import Path

import pytest

from farm.cli.cluster import entrypoint

FIVE_MISTAKES = """\
version: 1
name: five
seed: -1
model: {pipeline: StableDifusionPipeline, pretrained: org/name}
animation:
  kind: interpolate
  prompts: [only one]
  frames: 10
render:
  guidance: 7.5
"""


@pytest.fixture
def no_executor(monkeypatch):
    """Fail the test if anything starts to render."""

    def refuse(**_):
        raise AssertionError("an executor was opened")

    monkeypatch.setattr("farm.execute.open_executor", refuse)


def test_five_mistakes_give_five_located_messages_before_anything_starts(farm, tmp_path, no_executor):
    (tmp_path / "five.yaml").write_text(FIVE_MISTAKES)
    code, out, err = farm("render", "five.yaml")
    assert code == 2
    assert out == ""
    assert [line.split(": ")[0] for line in err.splitlines()[:5]] == [
        "five.yaml:3:1",
        "five.yaml:4:1",
        "five.yaml:4:9",
        "five.yaml:7:3",
        "five.yaml:10:3",
    ]
    assert "(did you mean 'StableDiffusionPipeline'?)" in err
    assert err.splitlines()[5:] == ["5 mistakes; nothing was started."]


def test_check_summarizes_a_valid_manifest(farm, write_manifest):
    path = write_manifest()
    assert farm("check", path) == (0, f"{path}: ok: job, interpolate, 21 frames\n", "")
    _, out, _ = farm("check", path, "--json")
    assert json.loads(out) == [
        {
            "manifest": str(path),
            "name": "job",
            "kind": "interpolate",
            "frames": 21,
            "remarks": [],
        }
    ]


def test_plan_lists_kept_frames_and_why_the_others_are_to_be_rendered(farm, write_manifest, tmp_path):
    path = write_manifest()
    farm("render", path, "--inline", "--procedural")
    (tmp_path / "out" / "job-rehearsal" / "frames" / "frame000005.png").unlink()
    code, out, _ = farm("plan", path, "--procedural")
    lines = out.splitlines()
    assert code == 0
    assert lines[:5] == [
        "name         job",
        "kind         interpolate",
        "frames       21",
        "chunks       6 of 4 frames",
        "model calls  1, 5 steps each",
    ]
    assert lines[5].endswith("plus loading, judging by the last run here")
    assert lines[7:] == [
        "  frames 0-4: already rendered",
        "  frame 5: its file is missing or damaged",
        "  frames 6-20: already rendered",
    ]
    _, out, _ = farm("plan", path, "--procedural", "--json")
    assert (json.loads(out)["kept"], json.loads(out)["model_calls"]) == (20, 1)


def test_render_prints_in_a_few_lines_what_it_made_and_where(farm, write_manifest, tmp_path):
    code, out, err = farm("render", write_manifest(), "--inline", "--procedural")
    assert code == 0
    assert out.startswith("job: done, 21 of 21 frames rendered in ")
    assert f"  {tmp_path}/out/job-rehearsal\n" in out
    assert [line.split()[0] for line in out.splitlines()[2:]] == [
        "job.mp4",
        "job.gif",
        "contact_sheet.png",
        "metadata.parquet",
        "report.html",
    ]
    assert err.splitlines()[-1] == "job: done"
    code, out, err = farm("render", tmp_path / "job.yaml", "--inline", "--procedural", "--json")
    assert json.loads(out)[0]["frames"] == {
        "planned": 21,
        "rendered": 0,
        "cached": 0,
        "kept": 21,
        "failed": 0,
    }
    assert "job: 21 of 21 frames already rendered" in err


def test_a_field_can_be_set_from_the_command_line(farm, write_manifest):
    path = write_manifest()
    assert farm("check", path, "--set", "animation.frames=5")[1].endswith("5 frames\n")
    code, _, err = farm("check", path, "--set", "animation.frames=many")
    assert code == 2
    assert err.startswith("--set animation.frames=many: animation.frames: found 'many'; ")


def test_a_batch_renders_what_it_can_and_reports_on_each_manifest(farm, write_manifest, tmp_path):
    for name in ("a-good", "b-good", "c-good"):
        write_manifest(name)
    (tmp_path / "d-broken.yaml").write_text("version: 1\n")
    code, out, err = farm("batch", tmp_path, "--inline", "--procedural")
    assert code == 3
    rows = [line.split()[:3] for line in out.splitlines()]
    assert rows[:4] == [
        ["manifest", "state", "frames"],
        ["a-good.yaml", "done", "21/21"],
        ["b-good.yaml", "done", "21/21"],
        ["c-good.yaml", "done", "21/21"],
    ]
    assert rows[4][:2] == ["d-broken.yaml", "refused"]
    assert out.splitlines()[-1] == str(tmp_path / "out" / "index.html")
    assert (tmp_path / "out" / "index.html").read_text().count("a-good") > 0
    assert "d-broken.yaml:1:1: " in err
    assert "nothing was started" not in err
    page = (tmp_path / "out" / "index.html").read_text()
    assert "Refused" in page
    assert "d-broken.yaml:1:1: " in page
    assert '<span class="state" data-state="running">' not in page


def test_a_batch_without_a_writable_gallery_still_reports_on_each_manifest(farm, write_manifest, tmp_path):
    write_manifest("a-good")
    (tmp_path / "out" / "index.html").mkdir(parents=True)
    code, out, _ = farm("batch", tmp_path, "--inline", "--procedural")
    assert code == 0
    assert out.splitlines()[1].split()[:3] == ["a-good.yaml", "done", "21/21"]
    assert len(out.splitlines()) == 2


def test_of_two_manifests_with_the_same_name_the_second_is_refused(farm, write_manifest, tmp_path):
    first = write_manifest("same")
    (tmp_path / "zzz.yaml").write_text(first.read_text())
    code, out, err = farm("batch", tmp_path, "--inline", "--procedural")
    assert code == 3
    assert "zzz.yaml: name: 'same' is also the name of" in err
    assert out.splitlines()[1].startswith("same.yaml")


def test_a_batch_of_an_empty_folder_is_refused(farm, tmp_path):
    assert farm("batch", tmp_path) == (2, "", f"{tmp_path}: contains no manifest (*.yaml).\n")


def test_assemble_reports_what_it_made(farm, write_manifest, tmp_path):
    farm("render", write_manifest(), "--inline", "--procedural")
    (tmp_path / "out" / "job-rehearsal" / "job.gif").unlink()
    code, out, _ = farm("assemble", "out/job-rehearsal")
    assert code == 0
    assert out.startswith("job: 21 of 21 frames\n")
    assert (tmp_path / "out" / "job-rehearsal" / "job.gif").exists()


def test_the_schema_printed_is_the_one_committed(farm):
    import farm.manifest as package

    assert farm("schema")[1] == (Path(package.__file__).parent / "schema.json").read_text()


def test_models_lists_what_ships(farm):
    _, out, _ = farm("models", "--json")
    names = {model["name"]: model for model in json.loads(out)}
    assert names["tiny-world"]["pipeline_class"] == "StableDiffusionPipeline"
    assert Path(names["tiny-world"]["path"]).is_dir()
    assert farm("models")[1].startswith("tiny-world")


def test_inline_with_workers_is_refused(farm, write_manifest):
    code, _, err = farm("render", write_manifest(), "--inline", "--workers", "2")
    assert (code, err) == (
        2,
        "--inline runs in this process alone; omit --workers and --address.\n",
    )


def test_an_output_folder_in_memory_needs_inline(farm, write_manifest, no_executor):
    code, _, err = farm("render", write_manifest(), "-o", "memory://x")
    assert (code, err) == (
        2,
        "--output-dir memory://: visible to this process only; add --inline, or choose another folder.\n",
    )


def test_outputs_can_go_to_memory_but_not_to_an_empty_path(farm, write_manifest):
    assert farm("render", write_manifest(), "-o", "memory://x", "--inline", "--procedural")[0] == 0
    code, _, err = farm("plan", write_manifest(), "-o", "")
    assert (code, err) == (2, "--output-dir: empty; give a folder or a URL such as s3://bucket/renders.\n")


def test_two_manifests_with_the_same_name_are_refused_before_anything_starts(
    farm, write_manifest, no_executor
):
    path = write_manifest()
    code, _, err = farm("render", path, path)
    assert code == 2
    assert err == (
        f"{path}: name: 'job' is also the name of {path}; needed: a name that is unique in the run, "
        "since it names the output folder.\n"
    )


def test_json_output_contains_the_mistakes(farm, tmp_path):
    (tmp_path / "five.yaml").write_text(FIVE_MISTAKES)
    code, out, _ = farm("check", "five.yaml", "--json")
    assert code == 2
    problems = json.loads(out)["problems"]
    assert [problem["path"] for problem in problems][:2] == ["seed", "model.revision"]
    assert problems[0]["where"] == "five.yaml:3:1"


def test_every_missing_checkpoint_is_reported_with_its_location(farm, write_manifest, tmp_path):
    loras = ("pretrained: ./no-such-model", "pretrained: ./no-such-model, loras: [{pretrained: ~nobody9/x}]")
    path = write_manifest(pretrained="./no-such-model", loras=loras)
    code, _, err = farm("check", path)
    assert code == 2
    first, second, _ = err.splitlines()
    assert first.startswith(
        f"{path}:4:44: model.pretrained: there is no checkpoint './no-such-model'; needed: "
    )
    assert second.startswith(f"{path}:4:82: model.loras[0].pretrained: ")


def test_a_folder_without_a_pipeline_is_refused(farm, write_manifest, tmp_path):
    (tmp_path / "empty").mkdir()
    code, _, err = farm("check", write_manifest(pretrained="./empty"))
    assert code == 2
    assert f"{tmp_path}/empty is not a pipeline folder: it contains no model_index.json" in err


def test_an_assembly_with_missing_frames_exits_with_3_and_gives_the_reasons(farm, write_manifest, tmp_path):
    farm("render", write_manifest(), "--inline", "--procedural")
    (tmp_path / "out" / "job-rehearsal" / "frames" / "frame000003.png").unlink()
    code, out, _ = farm("assemble", "out/job-rehearsal")
    assert code == 3
    assert out.splitlines()[:2] == ["job: 20 of 21 frames", "  frame 3 missing: file missing"]
    manifest = tmp_path / "out" / "job-rehearsal" / "manifest.yaml"
    manifest.write_text(re.sub("^seed: .*", "seed: 99", manifest.read_text(), flags=re.MULTILINE))
    _, out, _ = farm("assemble", "out/job-rehearsal")
    assert out.splitlines()[:2] == ["job: 0 of 21 frames", "  frames 0-20 missing: recipe changed since"]


def test_an_unknown_verb_exits_with_2(farm):
    assert farm("rendr")[0] == 2


def test_a_submission_runs_with_the_same_options_and_imports_nothing_from_its_folder():
    command = entrypoint("~/farm-out", ["--set=name=my film", "--workers=3"])
    python = sys.executable
    assert command == (
        f"$(test -x {python} && echo {python} || command -v python) -P -m farm.cli.submitted "
        "\"$PWD/submission.json\" '--set=name=my film' --workers=3 --output-dir ~/farm-out"
    )


@pytest.mark.ray
def test_doctor_passes_on_this_machine(farm):
    code, out, _ = farm("doctor", "--json")
    assert code == 0, out
    assert all(finding["ok"] for finding in json.loads(out))
