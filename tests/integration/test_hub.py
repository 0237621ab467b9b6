"""A hub id with its commit, from a filled local cache, with the hub out of reach."""

import os
import shutil
import subprocess
import sys

import pyarrow.parquet as pq

COMMIT = "0123456789abcdef0123456789abcdef01234567"
MANIFEST = f"""
version: 1
name: from-hub
model: {{pipeline: StableDiffusionPipeline, pretrained: studio/tiny, revision: {COMMIT}}}
animation: {{kind: stills, prompts: [a red star]}}
render: {{num_inference_steps: 2}}
"""


def farm(*arguments, cwd, **environment):
    return subprocess.run(
        [sys.executable, "-m", "farm.cli", *arguments],
        cwd=cwd,
        env=os.environ | {"HF_HUB_OFFLINE": "1", "XDG_CACHE_HOME": str(cwd)} | environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_a_pinned_hub_id_is_loaded_from_the_cache_without_the_hub(tiny_sd, tmp_path):
    snapshot = tmp_path / "hub" / "models--studio--tiny" / "snapshots" / COMMIT
    shutil.copytree(tiny_sd, snapshot)
    (tmp_path / "m.yaml").write_text(MANIFEST)
    done = farm("render", "m.yaml", "--inline", cwd=tmp_path, HF_HUB_CACHE=str(tmp_path / "hub"))
    assert done.returncode == 0, done.stderr
    [row] = pq.read_table(tmp_path / "out" / "from-hub" / "metadata.parquet").to_pylist()
    assert (row["pretrained"], row["revision"], row["scheduler"]) == ("studio/tiny", COMMIT, "DDIMScheduler")


def test_a_checkpoint_that_is_not_in_the_cache_fails_the_job_with_its_name(tmp_path):
    (tmp_path / "m.yaml").write_text(MANIFEST)
    done = farm("render", "m.yaml", "--inline", cwd=tmp_path, HF_HUB_CACHE=str(tmp_path / "hub"))
    assert done.returncode == 1
    assert f"studio/tiny@{COMMIT}: cannot be loaded as StableDiffusionPipeline" in done.stdout
    assert not (tmp_path / "out" / "from-hub" / "frames").exists()
