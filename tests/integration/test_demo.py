"""The shipped checkpoint, rendered through the command line by Ray workers."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from diffusers import StableDiffusionPipeline
from PIL import Image

from farm import models
from farm.execute import InlineExecutor
from farm.run import prepare, render
from tests.exhaustive import sample

ROOT = Path(__file__).parents[2]
SHIPPED = sorted((ROOT / "manifests").glob("demo*.yaml")) + sorted((ROOT / "manifests" / "nightly").iterdir())
SAMPLE = (
    *("demo", "demo-circle", "demo-controlnet", "demo-even", "demo-grid", "demo-inpaint"),
    *("demo-stills", "demo-sweep", "demo-walk"),
)
"""One of each kind of animation, of picture and of output: `make test` rehearses these, the long ones in 12 frames."""
LONG = ("demo", "demo-circle", "demo-even", "demo-inpaint", "demo-walk")
PROMPTS = ("a red star at the beach, cartoon", "a blue heart at night, neon")
MANIFEST = f"""
version: 1
name: ends
seed: 42
model: {{pipeline: StableDiffusionPipeline, pretrained: tiny-world}}
animation: {{kind: interpolate, prompts: ["{PROMPTS[0]}", "{PROMPTS[1]}"], frames: 5}}
render: {{num_inference_steps: 10, guidance_scale: 5.0, batch_size: 1}}
"""


@pytest.mark.exhaustive  # test_every_family.py says it of every family
@pytest.mark.ray
@pytest.mark.slow
def test_workers_frames_at_both_ends_equal_a_plain_diffusers_call(tmp_path):
    (tmp_path / "m.yaml").write_text(MANIFEST)
    subprocess.run(
        [sys.executable, "-m", "farm.cli", "render", "m.yaml", "--workers=2"],
        cwd=tmp_path,
        env=os.environ | {"XDG_CACHE_HOME": str(tmp_path)},
        check=True,
        timeout=300,
    )
    torch.set_num_threads(1)
    pipeline = StableDiffusionPipeline.from_pretrained(models.find("tiny-world").path)
    pipeline.set_progress_bar_config(disable=True)
    for prompt, frame in zip(PROMPTS, (0, 4), strict=True):
        plain = pipeline(
            prompt,
            num_inference_steps=10,
            guidance_scale=5.0,
            generator=torch.Generator("cpu").manual_seed(42),
        ).images[0]
        with Image.open(tmp_path / "out" / "ends" / "frames" / f"frame{frame:06d}.png") as ours:
            assert np.array_equal(np.asarray(ours), np.asarray(plain))
    table = pq.read_table(tmp_path / "out" / "ends" / "metadata.parquet").to_pylist()
    assert {row["device"] for row in table} == {"cpu"}
    assert table[0]["scheduler"] == "DDIMScheduler"


@pytest.mark.parametrize(
    "path",
    sample(SHIPPED, of=[path for path in SHIPPED if path.stem in SAMPLE], ids=lambda path: path.stem),
)
def test_every_shipped_demo_can_be_rehearsed(path, tmp_path, pytestconfig):
    shorter = path.stem in LONG and not pytestconfig.getoption("--exhaustive")
    overrides = ["animation.frames=12"] if shorter else []
    job = prepare(path, overrides=overrides, output_dir=str(tmp_path), procedural=True)
    with InlineExecutor() as executor:
        [summary] = render([job], executor, lambda event: None)
    assert summary.state == "done"
    wanted = job.plan.outputs
    names = {output.name for output in summary.outputs}
    assert ("grid.png" in names) == (wanted.grid is not None)
    assert (f"{job.plan.name}.gif" in names) == (wanted.gif is not None)
