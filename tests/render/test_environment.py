import dataclasses
import json
import os

import pytest

from farm.records import ModelSource, ProceduralSpec
from farm.render import describe_environment, open_renderer
from tests.render.frames import spec_of

NOWHERE = ModelSource(pretrained="no", kind="folder", location="/no/such/folder", revision="", fingerprint="")


@pytest.mark.parametrize("changes", [{}, {"determinism": "fast"}, {"torch_dtype": "bfloat16"}])
def test_a_renderers_environment_is_known_before_loading(tiny_sd, changes):
    spec = spec_of(tiny_sd, **changes)
    before = describe_environment(dataclasses.replace(spec, source=NOWHERE))
    assert before == open_renderer(spec).environment == describe_environment(spec)


def test_a_renderer_without_a_model_has_an_environment_too():
    assert describe_environment(ProceduralSpec()) == open_renderer(ProceduralSpec()).environment


def test_the_environment_says_versions_device_dtype_and_threads(tiny_sd):
    environment = json.loads(describe_environment(spec_of(tiny_sd)))
    expected = {
        *("device", "torch_dtype", "threads", "cpu", "cpu_capability", "python", "platform"),
        *("torch", "diffusers", "transformers", "accelerate", "compel", "numpy", "peft", "tokenizers"),
        *("av", "opencv-python-headless", "pillow"),
    }
    assert expected <= set(environment)
    assert (environment["torch_dtype"], environment["threads"]) == ("float32", 1)


@pytest.mark.parametrize(("own", "used"), [(None, ":4096:8"), (":16:8", ":16:8")])
def test_cublas_gets_workspaces_unless_the_user_set_them(tiny_sd, monkeypatch, own, used):
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", own or "")
    if own is None:
        monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG")
    describe_environment(spec_of(tiny_sd))
    assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == used


def test_variables_that_change_how_libraries_compute_are_recorded(tiny_sd, monkeypatch):
    before = describe_environment(spec_of(tiny_sd))
    monkeypatch.setenv("MKL_NUM_THREADS", "1")  # threads are set by torch in every worker
    assert describe_environment(spec_of(tiny_sd)) == before
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "SSE41")
    assert json.loads(describe_environment(spec_of(tiny_sd)))["ONEDNN_MAX_CPU_ISA"] == "SSE41"
