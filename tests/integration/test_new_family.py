"""An entry in the table is enough to add a family."""

import json

import diffusers
import numpy as np
import pytest
import torch
import yaml
from PIL import Image

from farm.execute import InlineExecutor
from farm.manifest.pipelines import PIPELINES, Traits
from farm.run import prepare, render
from tests.checkpoints.pixart import save_pixart

ALPHA = "PixArtAlphaPipeline"
PROMPTS = ["a red star", "a blue heart on a green hill"]
CALL = {
    "negative_prompt": "dull",
    "guidance_scale": 3.0,
    "num_inference_steps": 3,
    "height": 64,
    "width": 64,
    "use_resolution_binning": False,
    "max_sequence_length": 100,
}


@pytest.mark.usefixtures("one_thread")
def test_a_family_needs_only_one_entry(tmp_path, monkeypatch):
    assert ALPHA not in PIPELINES
    arguments = {**PIPELINES["PixArtSigmaPipeline"].arguments, "max_sequence_length": 120}
    entry = Traits(
        arguments=arguments,
        denoiser="PixArtTransformer2DModel",
        own_scheduler="DPMSolverMultistepScheduler",
    )
    monkeypatch.setitem(PIPELINES, ALPHA, entry)
    model = _save_alpha(tmp_path / "alpha")
    manifest = {
        "version": 1,
        "name": "job",
        "seed": 40,
        "model": {"pipeline": ALPHA, "pretrained": str(model)},
        "animation": {"kind": "interpolate", "prompts": PROMPTS, "frames": 2},
        "render": {"batch_size": 2, **CALL},
    }
    (tmp_path / "job.yaml").write_text(yaml.safe_dump(manifest))
    job = prepare(tmp_path / "job.yaml", output_dir=str(tmp_path))
    with InlineExecutor() as executor:
        [summary] = render([job], executor, lambda event: None)
    assert (summary.state, job.remarks) == ("done", ())
    for frame, plain in enumerate(_plain(model)):
        with Image.open(tmp_path / "job" / "frames" / f"frame{frame:06d}.png") as ours:
            assert np.array_equal(np.asarray(ours), np.asarray(plain))


def _save_alpha(folder):
    """PixArt-Sigma's tiny checkpoint: the parts of both pipelines have the same classes."""
    index = save_pixart(folder) / "model_index.json"
    index.write_text(json.dumps(json.loads(index.read_text()) | {"_class_name": ALPHA}))
    return folder


def _plain(folder):
    pipeline = diffusers.PixArtAlphaPipeline.from_pretrained(folder)
    pipeline.set_progress_bar_config(disable=True)
    generators = [torch.Generator("cpu").manual_seed(40) for _ in PROMPTS]
    negative = [CALL["negative_prompt"]] * len(PROMPTS)
    return pipeline(PROMPTS, generator=generators, **CALL | {"negative_prompt": negative}).images
