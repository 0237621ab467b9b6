"""Checkpoints and pictures that a module of renderer tests saves once."""

import numpy as np
import pytest
import torch
from PIL import Image


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


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Three pictures of noise, which tell adapters apart as well as any."""
    folder, paths = tmp_path_factory.mktemp("pictures"), []
    for number in range(4):
        pixels = np.random.default_rng(number).integers(0, 256, (16, 16, 3), dtype=np.uint8)
        paths.append(folder / f"{number}.png")
        Image.fromarray(pixels).save(paths[-1])
    return paths
