"""A single file with a pinned configuration equals its folder bit for bit; for every way, see test_parts.py."""

import shutil

import diffusers
import huggingface_hub.constants
import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from farm.errors import ModelError
from farm.inputs.checkpoints.source import find_source
from farm.records import ModelSource
from farm.render.loading.pipeline import _load_single_file, load_pipeline
from tests.checkpoints.hub_cache import fill_cache
from tests.checkpoints.stable_diffusion import save_stable_diffusion
from tests.ldm_layout import save_as_single_file
from tests.render.frames import spec_of

PIPELINE = diffusers.StableDiffusionPipeline


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_stable_diffusion(tmp_path_factory.mktemp("sd"))


@pytest.fixture(scope="module")
def file(folder, tmp_path_factory):
    return save_as_single_file(folder, tmp_path_factory.mktemp("single") / "sd.safetensors")


@pytest.fixture(scope="module")
def configuration(folder, tmp_path_factory):
    """The complete folder except its weights."""
    place = tmp_path_factory.mktemp("configuration") / "sd"
    return shutil.copytree(folder, place, ignore=shutil.ignore_patterns("*.safetensors"))


@pytest.fixture(autouse=True)
def hub(tmp_path, monkeypatch):
    """An empty hub cache, with the hub out of reach."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


def source_of(path, revision=None):
    return find_source(str(path), revision, path.parent if revision is None else path)


def load(file, cls=PIPELINE, **changes):
    return _load_single_file(cls, spec_of(file, **changes), {})


def draw(pipeline):
    pipeline.set_progress_bar_config(disable=True)
    generator = torch.Generator("cpu").manual_seed(0)
    return pipeline("a red star", num_inference_steps=2, generator=generator, output_type="np").images[0]


@pytest.mark.parametrize("torch_dtype", ["float32", "float16"])
def test_a_file_with_a_folder_of_configuration_is_the_checkpoint_bit_for_bit(
    file, folder, configuration, torch_dtype
):
    ours = load(file, config=source_of(configuration), torch_dtype=torch_dtype)
    theirs = PIPELINE.from_pretrained(folder, dtype=getattr(torch, torch_dtype))
    for part in ("unet", "vae", "text_encoder"):
        weights, expected = getattr(ours, part).state_dict(), getattr(theirs, part).state_dict()
        assert weights.keys() == expected.keys()
        assert all(torch.equal(weights[name], expected[name]) for name in expected)
    if torch_dtype == "float32":
        assert np.array_equal(draw(ours), draw(theirs))


def test_a_configuration_from_the_hub_is_that_of_its_commit(file, configuration, hub, tmp_path):
    pinned = fill_cache(hub, "studio/sd", configuration)
    other = shutil.copytree(configuration, tmp_path / "other")
    scheduler = other / "scheduler" / "scheduler_config.json"
    scheduler.write_text(scheduler.read_text().replace("0.00085", "0.0123"))
    newer = fill_cache(tmp_path / "newer", "studio/sd", other)
    repository = "models--studio--sd"
    shutil.copytree(tmp_path / "newer" / repository, hub / repository, symlinks=True, dirs_exist_ok=True)
    for commit, beta in ((pinned, 0.00085), (newer, 0.0123)):
        pipeline = load(file, config=find_source("studio/sd", commit, tmp_path))
        assert pipeline.scheduler.config.beta_start == beta


def test_a_configuration_missing_in_the_cache_is_reported_with_the_download_command(file):
    commit = "0123456789abcdef0123456789abcdef01234567"
    source = ModelSource(
        pretrained="studio/sd", kind="hub", location="studio/sd", revision=commit, fingerprint=""
    )
    with pytest.raises(ModelError) as refused:
        load(file, config=source)
    assert str(refused.value) == (
        f"{file}: a single file contains weights only, and the configuration files of studio/sd are not in the hub "
        f"cache. Run once with access to the hub: hf download studio/sd --revision {commit} "
        "--include '*.json' --include '*.txt'; or give the model as a folder."
    )


@pytest.mark.parametrize(
    ("prefix", "part"),
    [
        ("model.diffusion_model.", "UNet2DConditionModel"),
        ("first_stage_model.", "AutoencoderKL"),
        ("cond_stage_model.", "CLIPTextModel"),
    ],
)
def test_a_file_without_a_component_is_refused(file, configuration, tmp_path, prefix, part):
    rest = tmp_path / "rest.safetensors"
    weights = load_file(file)
    save_file({name: weight for name, weight in weights.items() if not name.startswith(prefix)}, rest)
    with pytest.raises(ModelError) as refused:
        load(rest, config=source_of(configuration))
    assert str(refused.value) == (
        f"{rest}: is not a complete StableDiffusionPipeline: Failed to load {part}. "
        "Weights for this component appear to be missing in the checkpoint."
    )


def test_a_configuration_without_vocabulary_is_refused(file, configuration, tmp_path):
    silent = shutil.copytree(configuration, tmp_path / "silent", ignore=shutil.ignore_patterns("tokenizer"))
    with pytest.raises(ModelError) as refused:
        load_pipeline(spec_of(file, config=source_of(silent)), torch.device("cpu"))
    assert str(refused.value) == (
        f"{file}: its tokenizer has no vocabulary, as its files are missing. "
        "Download the configuration again, with all of its .json and .txt files."
    )


def test_a_pipeline_that_diffusers_loads_only_from_folders_is_refused(file):
    with pytest.raises(ModelError) as refused:
        load(file, diffusers.DDPMPipeline, pipeline="DDPMPipeline")
    assert (
        str(refused.value)
        == f"{file}: DDPMPipeline can be loaded from a folder only, not from a single file."
    )
