"""Hub ids with commits, and a single file whose configuration has one, from a local cache with the hub out of reach."""

import json
import os
import shutil
import subprocess
import sys

import pyarrow.parquet as pq
import pytest

from tests.checkpoints.hub_cache import fill_cache
from tests.ldm_layout import save_as_single_file

COMMIT = "0123456789abcdef0123456789abcdef01234567"
MANIFEST = """
version: 1
name: {name}
model: {{pipeline: StableDiffusionPipeline, {model}}}
animation: {{kind: stills, prompts: [a red star, a blue heart]}}
render: {{num_inference_steps: 2}}
"""


@pytest.fixture(scope="module")
def batch(tiny_sd, tmp_path_factory):
    """Render jobs with one command; return the folder, and the command's outcome."""
    folder = tmp_path_factory.mktemp("batch")
    shutil.copytree(tiny_sd, folder / "hub" / "models--studio--tiny" / "snapshots" / COMMIT)
    save_as_single_file(tiny_sd, folder / "tiny.safetensors")
    configuration = folder / "configuration"
    shutil.copytree(tiny_sd, configuration, ignore=shutil.ignore_patterns("*.safetensors"))
    commit = fill_cache(folder / "hub", "studio/configuration", configuration)
    config = f"config: {{pretrained: studio/configuration, revision: {commit}}}"
    models = {
        "hub": f"pretrained: studio/tiny, revision: {COMMIT}",
        "missing": f"pretrained: studio/missing, revision: {COMMIT}",
        "file": f"pretrained: ./tiny.safetensors, {config}",
        "folder": f"pretrained: {tiny_sd}",
    }
    for name, model in models.items():
        (folder / f"{name}.yaml").write_text(MANIFEST.format(name=name, model=model))
    done = subprocess.run(
        [sys.executable, "-m", "farm.cli", "render", *(f"{name}.yaml" for name in models), "--inline"],
        cwd=folder,
        env=os.environ
        | {"HF_HUB_OFFLINE": "1", "HF_HUB_CACHE": str(folder / "hub"), "XDG_CACHE_HOME": str(folder)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    return folder, done


def rows(folder, name):
    return pq.read_table(folder / "out" / name / "metadata.parquet").to_pylist()


def test_a_pinned_hub_id_is_loaded_from_the_cache_without_the_hub(batch):
    folder, done = batch
    assert "hub: done, 2 of 2 frames rendered" in done.stdout, done.stderr
    assert {(row["pretrained"], row["revision"], row["scheduler"]) for row in rows(folder, "hub")} == {
        ("studio/tiny", COMMIT, "DDIMScheduler")
    }


def test_a_checkpoint_that_is_not_in_the_cache_fails_the_job_with_its_name(batch):
    folder, done = batch
    summary = json.loads((folder / "out" / "missing" / "summary.json").read_text())
    assert (done.returncode, summary["state"], summary["exit_code"]) == (3, "failed", 1)
    assert f"studio/missing@{COMMIT}: cannot be loaded as StableDiffusionPipeline" in done.stdout
    assert not (folder / "out" / "missing" / "frames").exists()


def test_a_single_file_renders_the_frames_of_its_folder(batch):
    folder, done = batch
    for name in ("file", "folder"):
        assert f"{name}: done, 2 of 2 frames rendered" in done.stdout, done.stderr
    file, whole = rows(folder, "file"), rows(folder, "folder")
    for column in ("content_sha256", "environment", "scheduler"):
        assert [row[column] for row in file] == [row[column] for row in whole]
    assert len({row["content_sha256"] for row in file}) == 2
