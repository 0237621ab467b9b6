"""Fixtures for the tests of several packages."""

from __future__ import annotations

import gc
import os
import sys

import pytest
from hypothesis import settings

# Ray gives its workers the lowest priority, so the other processes of a parallel run would starve them.
os.environ.setdefault("RAY_worker_niceness", "0")
os.environ.setdefault(
    "RAY_prestart_worker_first_driver", "0"
)  # workers of the farm have their own environment

MANIFEST = """\
version: 1
name: {name}
seed: 3
model: {{pipeline: StableDiffusionPipeline, pretrained: {pretrained}}}
animation: {{kind: interpolate, prompts: [a, b, c], frames: {frames}}}
render: {{batch_size: 4, num_inference_steps: 5, height: 16, width: 16}}
output: {{gif: {{fps: 10}}, mp4: {{fps: 10}}}}
"""


@pytest.fixture(scope="module", autouse=True)
def _frozen_garbage():
    """Spare `gc.collect`, which renderers call, everything older than the module: it takes a second otherwise."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def tiny_sd(tmp_path_factory):
    """A folder with a StableDiffusionPipeline of 16x16 pixels and random weights."""
    from tests.tiny_checkpoints import save_stable_diffusion

    return save_stable_diffusion(tmp_path_factory.mktemp("tiny-sd"))


@pytest.fixture(scope="module")
def one_thread():
    """Compute with one thread, as in a worker of the farm; more threads are slower with models of this size."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def write_manifest(tmp_path, tiny_sd):
    """Write a manifest next to the test's output and return its path."""

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
    from farm.cli import main

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def run(*arguments):
        with pytest.raises(SystemExit) as stop:
            main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return stop.value.code or 0, out, err

    return run


def pytest_addoption(parser):
    parser.addoption(
        "--exhaustive",
        action="store_true",
        help="also run the full products of cases, and more examples of each property (make test-all)",
    )


def pytest_configure(config):
    """Check more examples of every property with --exhaustive; no deadline, since machines differ in speed."""
    settings.register_profile("sample", max_examples=40, deadline=None)
    settings.register_profile("exhaustive", max_examples=500, deadline=None)
    settings.load_profile("exhaustive" if config.getoption("--exhaustive") else "sample")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    if not config.getoption("--exhaustive"):
        _deselect_exhaustive(config, items)
    _skip_without_gpu(items)
    if "PYTEST_XDIST_WORKER" in os.environ:
        _long_groups_first(config, items)


def _deselect_exhaustive(config, items):
    deselected = [item for item in items if "exhaustive" in item.keywords]
    if deselected:
        config.hook.pytest_deselected(items=deselected)
        items[:] = [item for item in items if "exhaustive" not in item.keywords]


def _skip_without_gpu(items):
    """Skip tests that need a GPU if there is none, with a reason."""
    if not any("gpu" in item.keywords for item in items):
        return
    import torch

    if not torch.cuda.is_available():
        for item in items:
            if "gpu" in item.keywords:
                item.add_marker(pytest.mark.skip(reason="no CUDA device on this machine"))


def _long_groups_first(config, items):
    """Order tests so that no process of a parallel run is left with a long group at the end."""
    from tests.parallel import ALONE, group_of

    files = {item.path: item.path.relative_to(config.rootpath).as_posix() for item in items}
    slow = {item.path for item in items if "slow" in item.keywords}
    items.sort(key=lambda item: (group_of(files[item.path]) not in ALONE, item.path not in slow))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    from tests.parallel import GroupedFiles

    return GroupedFiles(config, log)


def pytest_runtest_setup(item):
    """Compute with one thread in parallel runs, like a worker of the farm."""
    if "PYTEST_XDIST_WORKER" in os.environ and (torch := sys.modules.get("torch")):
        torch.set_num_threads(1)
