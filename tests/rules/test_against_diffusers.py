"""Checkpoints that are refused for a pipeline fail in diffusers, and accepted ones render."""

import inspect

import diffusers
import numpy as np
import pytest
from PIL import Image

from farm.inputs.checkpoints.info import read_architecture
from farm.inputs.checkpoints.source import find_source
from farm.manifest.pipelines import PIPELINES
from farm.rules.pipeline import incompatibilities
from tests.checkpoints.families import FAMILIES
from tests.exhaustive import sample

pytestmark = pytest.mark.usefixtures("one_thread")

SIDE = 64
KINDS = (*FAMILIES, "StableDiffusionControlNetPipeline")
"""One pipeline for each kind of checkpoint, and one with a ControlNet; all with `make test-all`."""

CHECKPOINTS = [*FAMILIES, "inpainting", "depth", "refiner"]


def renders(name, folder, parts):
    """Return whether diffusers renders a picture of the requested size in two steps."""
    traits, kind = PIPELINES[name], getattr(diffusers, name)
    takes = inspect.signature(kind.__call__).parameters
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8))
    call = dict.fromkeys(traits.required_images, picture) | {"height": SIDE, "width": SIDE, "strength": 1.0}
    call |= {"use_resolution_binning": False, "guidance_scale": 5.0}
    try:
        pipeline = kind.from_pretrained(folder, use_safetensors=True, **parts)
        pipeline.set_progress_bar_config(disable=True)
        arguments = {argument: value for argument, value in call.items() if argument in takes}
        [result] = pipeline("a red star", num_inference_steps=2, output_type="np", **arguments).images
    except (AttributeError, TypeError, ValueError, RuntimeError, OSError, KeyError):
        return False
    return result.shape == (SIDE, SIDE, 3)


@pytest.mark.slow
@pytest.mark.parametrize("name", sample(PIPELINES, of=KINDS))
def test_exactly_the_checkpoints_that_diffusers_cannot_render_are_refused(name, saved):
    parts = {}
    if PIPELINES[name].control_argument:
        net = saved("net-xl" if PIPELINES[name].has_size_conditioning else "net")
        parts["controlnet"] = diffusers.ControlNetModel.from_pretrained(net)
    folders = {checkpoint: saved(checkpoint) for checkpoint in CHECKPOINTS}
    accepted = {
        checkpoint
        for checkpoint, folder in folders.items()
        if not any(incompatibilities(name, read_architecture(find_source(str(folder), None, folder))))
    }
    assert accepted == {checkpoint for checkpoint in CHECKPOINTS if renders(name, folders[checkpoint], parts)}
    assert accepted
