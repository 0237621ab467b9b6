"""Fixtures that more than one package's tests use."""

from __future__ import annotations

import pytest

from tests.tiny_checkpoints import save_stable_diffusion


@pytest.fixture(scope="session")
def tiny_sd(tmp_path_factory):
    """A folder with a StableDiffusionPipeline of 16x16 pixels and random weights."""
    return save_stable_diffusion(tmp_path_factory.mktemp("tiny-sd"))


def pytest_collection_modifyitems(items):
    """Skip what needs a GPU where there is none, and say so."""
    if not any("gpu" in item.keywords for item in items):
        return
    import torch

    if not torch.cuda.is_available():
        for item in items:
            if "gpu" in item.keywords:
                item.add_marker(pytest.mark.skip(reason="no CUDA device on this machine"))
