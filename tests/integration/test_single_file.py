"""A single file in the original Stable Diffusion layout, its configuration in the hub cache, the hub out of reach."""

import pickle
import shutil

import huggingface_hub.constants
import pyarrow.parquet as pq
import pytest
import torch
from safetensors.torch import load_file, save_file

from farm.errors import ModelError
from farm.render.checkpoints.loading import load_pipeline
from tests.integration.test_hub import COMMIT, farm
from tests.ldm_layout import save_as_single_file
from tests.render.frames import spec_of

# Whose configuration diffusers takes for weights of this layout.
REPOSITORY = "stable-diffusion-v1-5/stable-diffusion-v1-5"
MISSING = (
    "tiny.safetensors: a single file holds weights only, and the configuration files of "
    f"{REPOSITORY} are not in the hub cache. Run once, where the hub can be reached: "
    f"hf download {REPOSITORY} --include '*.json' --include '*.txt'; or give the model as a folder."
)
MANIFEST = """
version: 1
name: {name}
model: {{pipeline: StableDiffusionPipeline, pretrained: {pretrained}}}
animation: {{kind: stills, prompts: [a red star, a blue heart]}}
render: {{num_inference_steps: 2}}
"""


@pytest.fixture(scope="module")
def tiny_file(tiny_sd, tmp_path_factory):
    return save_as_single_file(tiny_sd, tmp_path_factory.mktemp("single") / "tiny.safetensors")


@pytest.fixture(scope="module")
def hub_cache(tiny_sd, tmp_path_factory):
    """A hub cache with the repository's configuration files, and no weights."""
    cache = tmp_path_factory.mktemp("hub")
    repository = cache / f"models--{REPOSITORY.replace('/', '--')}"
    shutil.copytree(
        tiny_sd, repository / "snapshots" / COMMIT, ignore=shutil.ignore_patterns("*.safetensors")
    )
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(COMMIT)
    return cache


@pytest.fixture
def offline(monkeypatch, hub_cache):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(hub_cache))


def load(file, **changes):
    return load_pipeline(spec_of(file, **changes), torch.device("cpu"))


def test_a_single_file_renders_the_frames_of_its_folder(tiny_sd, tiny_file, hub_cache, tmp_path):
    shutil.copy(tiny_file, tmp_path)
    names = {"file": "./tiny.safetensors", "folder": tiny_sd}
    for name, pretrained in names.items():
        (tmp_path / f"{name}.yaml").write_text(MANIFEST.format(name=name, pretrained=pretrained))
    done = farm("render", "file.yaml", "folder.yaml", "--inline", cwd=tmp_path, HF_HUB_CACHE=str(hub_cache))
    assert done.returncode == 0, done.stdout + done.stderr
    rows = {name: pq.read_table(tmp_path / "out" / name / "metadata.parquet").to_pylist() for name in names}
    for column in ("content_sha256", "environment", "scheduler"):
        assert [row[column] for row in rows["file"]] == [row[column] for row in rows["folder"]]
    assert len({row["content_sha256"] for row in rows["file"]}) == 2


@pytest.mark.usefixtures("offline")
@pytest.mark.parametrize("part", ["unet", "vae", "text_encoder"])
@pytest.mark.parametrize("torch_dtype", ["float32", "float16"])
def test_a_single_file_gives_every_weight_of_its_folder_bit_for_bit(tiny_sd, tiny_file, part, torch_dtype):
    ours, theirs = (
        getattr(load(path, torch_dtype=torch_dtype), part).state_dict() for path in (tiny_file, tiny_sd)
    )
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
    assert {weight.dtype for weight in ours.values()} == {getattr(torch, torch_dtype)}


def test_a_single_file_without_its_configuration_says_what_to_download(tiny_file, tmp_path):
    shutil.copy(tiny_file, tmp_path)
    (tmp_path / "m.yaml").write_text(MANIFEST.format(name="file", pretrained="tiny.safetensors"))
    done = farm("render", "m.yaml", "--inline", cwd=tmp_path, HF_HUB_CACHE=str(tmp_path / "hub"))
    assert done.returncode == 1
    assert MISSING in " ".join(done.stdout.split())
    assert not (tmp_path / "out" / "file" / "frames").exists()


@pytest.mark.usefixtures("offline")
def test_a_configuration_without_vocabulary_is_refused(tiny_file, hub_cache, tmp_path, monkeypatch):
    cache = shutil.copytree(hub_cache, tmp_path / "hub", ignore=shutil.ignore_patterns("tokenizer"))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(cache))
    with pytest.raises(ModelError) as refused:
        load(tiny_file)
    assert str(refused.value) == (
        f"{tiny_file}: its tokenizer knows no words, since its vocabulary files are missing. "
        "Download the configuration again, with all of its .json and .txt files."
    )


@pytest.mark.usefixtures("offline")
@pytest.mark.parametrize(
    ("prefix", "part"),
    [
        ("model.diffusion_model.", "UNet2DConditionModel"),
        ("first_stage_model.", "AutoencoderKL"),
        ("cond_stage_model.", "CLIPTextModel"),
    ],
)
def test_a_single_file_that_lacks_a_part_is_refused(tiny_file, tmp_path, prefix, part):
    weights = load_file(tiny_file)
    file = tmp_path / "part.safetensors"
    save_file({name: weight for name, weight in weights.items() if not name.startswith(prefix)}, file)
    with pytest.raises(ModelError) as refused:
        load(file)
    assert str(refused.value) == (
        f"{file}: is no whole StableDiffusionPipeline: Failed to load {part}. "
        "Weights for this component appear to be missing in the checkpoint."
    )


@pytest.mark.usefixtures("offline")
def test_a_pickle_with_the_name_of_safetensors_is_never_unpickled(tmp_path):
    file, trace = tmp_path / "evil.safetensors", tmp_path / "ran"

    class Evil:
        def __reduce__(self):
            return trace.touch, ()

    file.write_bytes(pickle.dumps(Evil()))
    with pytest.raises(ModelError, match="is no safetensors file: it is a pickle$"):
        load(file)
    assert not trace.exists()


@pytest.mark.usefixtures("offline")
def test_a_pipeline_that_diffusers_loads_from_folders_only_says_so(tiny_file):
    with pytest.raises(ModelError) as refused:
        load(tiny_file, pipeline="LDMTextToImagePipeline")
    assert str(refused.value) == (
        f"{tiny_file}: LDMTextToImagePipeline is loaded from a folder only, not from a single file."
    )
