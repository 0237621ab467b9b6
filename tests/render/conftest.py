"""Checkpoints and pictures, saved once per module of renderer tests."""

import diffusers
import numpy as np
import pytest
import torch
from PIL import Image

from tests.checkpoints.families import FAMILIES
from tests.checkpoints.stable_diffusion_xl import save_refiner
from tests.checkpoints.ways import WAYS
from tests.render.ways import RenderedWay


@pytest.fixture(scope="session")
def opened_ways():
    """Renderers by the names of their ways: each checkpoint is saved and loaded once."""
    return {}


@pytest.fixture
def way(request, opened_ways, tmp_path_factory):
    """Return the renderer of a way of making pictures, by its name."""
    name = request.param
    if name not in opened_ways:
        opened_ways[name] = RenderedWay(WAYS[name], tmp_path_factory.mktemp("way"))
    return opened_ways[name]


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Save a checkpoint once in this module and return its folder."""
    torch.set_num_threads(1)
    saved = {}

    def folder(save, **settings):
        key = (save, *settings.items())
        if key not in saved:
            saved[key] = save(tmp_path_factory.mktemp(save.__name__), **settings)
        return saved[key]

    return folder


CALLED = {
    "sd": "StableDiffusionPipeline",
    "xl": "StableDiffusionXLPipeline",
    "sd3": "StableDiffusion3Pipeline",
    "pixart": "PixArtSigmaPipeline",
    "ldm": "LDMTextToImagePipeline",
}


@pytest.fixture
def load(folders):
    """Load a plain pipeline by its short name or that of its class."""

    def load(name="sd", dtype=torch.float32):
        save = save_refiner if name == "refiner" else FAMILIES[CALLED.get(name, name)].save
        pipeline = diffusers.DiffusionPipeline.from_pretrained(
            folders(save), use_safetensors=True, dtype=dtype
        )
        pipeline.set_progress_bar_config(disable=True)
        return pipeline

    return load


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Three pictures of noise, which distinguish adapters as well as any."""
    folder, paths = tmp_path_factory.mktemp("pictures"), []
    for number in range(4):
        pixels = np.random.default_rng(number).integers(0, 256, (16, 16, 3), dtype=np.uint8)
        paths.append(folder / f"{number}.png")
        Image.fromarray(pixels).save(paths[-1])
    return paths
