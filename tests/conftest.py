"""Fixtures that more than one package's tests use."""

from __future__ import annotations

import pytest

from farm.cli import main
from tests.tiny_checkpoints import save_stable_diffusion

MANIFEST = """\
version: 1
name: {name}
seed: 3
model: {{pipeline: StableDiffusionPipeline, pretrained: {pretrained}}}
animation: {{kind: interpolate, prompts: [a, b, c], frames: {frames}}}
render: {{batch_size: 4, num_inference_steps: 5, height: 16, width: 16}}
output: {{gif: {{fps: 10}}, mp4: {{fps: 10}}}}
"""


@pytest.fixture(scope="session")
def tiny_sd(tmp_path_factory):
    """A folder with a StableDiffusionPipeline of 16x16 pixels and random weights."""
    return save_stable_diffusion(tmp_path_factory.mktemp("tiny-sd"))


@pytest.fixture(scope="module")
def one_thread():
    """As a worker of the farm has; more only get in each other's way in models of this size."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def write_manifest(tmp_path, tiny_sd):
    """Write a manifest beside the tests' output and return its path."""

    def write(name="job", *, frames=21, pretrained=None, **replaced):
        text = MANIFEST.format(name=name, frames=frames, pretrained=pretrained or tiny_sd)
        for old, new in replaced.values():
            assert old in text
            text = text.replace(old, new)
        path = tmp_path / f"{name}.yaml"
        path.write_text(text)
        return path

    return write


@pytest.fixture
def farm(capsys, monkeypatch, tmp_path):
    """Run the command line in a folder of its own; return exit code, standard output and standard error."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def run(*arguments):
        with pytest.raises(SystemExit) as stop:
            main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return stop.value.code or 0, out, err

    return run


def pytest_collection_modifyitems(items):
    """Skip what needs a GPU where there is none, and say so."""
    if not any("gpu" in item.keywords for item in items):
        return
    import torch

    if not torch.cuda.is_available():
        for item in items:
            if "gpu" in item.keywords:
                item.add_marker(pytest.mark.skip(reason="no CUDA device on this machine"))
