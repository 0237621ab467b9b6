"""Which of a repository's files are chosen and fetched, and whether the hub may be accessed."""

import pytest

from farm.errors import ModelError
from farm.inputs.checkpoints import hub
from farm.inputs.checkpoints.hub import model_files, pipeline_files
from farm.records import ModelSource
from tests.checkpoints.hub_cache import fill_cache

COMMIT = "c" * 40
USUAL = "usual.safetensors"


def folder_of(path, *names):
    for name in names:
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(b"")
    return path


def source_of(location, kind="folder", revision=""):
    return ModelSource(
        pretrained=str(location), kind=kind, location=str(location), revision=revision, fingerprint=""
    )


@pytest.mark.parametrize(
    ("files", "name"),
    [
        (["other.safetensors", "config.json"], "other.safetensors"),
        (["other.safetensors", "older/usual.safetensors"], "other.safetensors"),
        (["other.safetensors", "another.safetensors"], USUAL),
        (["other.safetensors", USUAL], USUAL),
        (["weights.bin"], USUAL),
    ],
)
def test_the_only_file_or_else_the_usual_one_is_chosen(tmp_path, monkeypatch, files, name):
    folder = folder_of(tmp_path / "adapter", *files)
    assert hub.only_file(source_of(folder), None, USUAL) == name
    assert hub.only_file(source_of(folder), "written.safetensors", USUAL) == "written.safetensors"

    commit = fill_cache(tmp_path / "hub", "studio/adapter", folder)
    pinned = source_of("studio/adapter", "hub", commit)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert hub.only_file(pinned, None, USUAL) == name


REPOSITORY = [
    *("model_index.json", "README.md", "v1-5.safetensors", "v1-5.ckpt", "handler.py", "notes.txt"),
    *("scheduler/scheduler_config.json", "tokenizer/merges.txt", "tokenizer/vocab.json", "tokenizer/README.md"),
    *("text_encoder/config.json", "text_encoder/generation_config.json", "text_encoder/model.safetensors"),
    *("text_encoder/model.fp16.safetensors", "text_encoder/pytorch_model.bin", "text_encoder/flax_model.msgpack"),
    *(f"unet/{name}" for name in ("config.json", "diffusion_pytorch_model.safetensors.index.json")),
    *(f"unet/diffusion_pytorch_model-0000{number}-of-00002.safetensors" for number in (1, 2)),
    *(f"unet/diffusion_pytorch_model.{kind}.safetensors" for kind in ("fp16", "non_ema")),
    *("vae/config.json", "vae/diffusion_pytorch_model.safetensors", "vae/diffusion_pytorch_model.bin"),
    *("vae_1_0/config.json", "vae_1_0/diffusion_pytorch_model.safetensors"),
]  # fmt: skip
PARTS = ["scheduler", "tokenizer", "text_encoder", "unet", "vae"]
SETTINGS = {
    *("model_index.json", "scheduler/scheduler_config.json", "tokenizer/merges.txt", "tokenizer/vocab.json"),
    *("text_encoder/config.json", "unet/config.json", "vae/config.json"),
}
PLAIN = {
    "text_encoder/model.safetensors",
    "unet/diffusion_pytorch_model-00001-of-00002.safetensors",
    "unet/diffusion_pytorch_model-00002-of-00002.safetensors",
    "unet/diffusion_pytorch_model.safetensors.index.json",
    "vae/diffusion_pytorch_model.safetensors",
}
FP16 = {
    "text_encoder/model.fp16.safetensors",
    "unet/diffusion_pytorch_model.fp16.safetensors",
    "unet/diffusion_pytorch_model.safetensors.index.json",
    "vae/diffusion_pytorch_model.safetensors",
}


def test_one_set_of_a_pipelines_weights_is_fetched_with_its_data_files_only():
    def files(variant, **settings):
        return set(pipeline_files("o/n", REPOSITORY, PARTS, variant, **settings))

    assert files(None) == SETTINGS | PLAIN
    assert files("fp16") == SETTINGS | FP16
    assert files(None, weights=False) == SETTINGS


def test_a_part_without_a_folder_is_loaded_from_the_top():
    names = ["model_index.json", "config.json", "diffusion_pytorch_model.safetensors", "x.py"]
    assert pipeline_files("o/n", names, ["unet"], None) == sorted(names[:3])


def test_only_the_models_folder_of_a_shared_repository_is_fetched():
    assert model_files("o/n", REPOSITORY, "vae_1_0", None) == [
        "vae_1_0/config.json",
        "vae_1_0/diffusion_pytorch_model.safetensors",
    ]


def test_code_and_pickles_without_safetensors_are_refused_before_fetching():
    pickled = [name for name in REPOSITORY if name != "vae/diffusion_pytorch_model.safetensors"]
    with pytest.raises(ModelError) as refused:
        pipeline_files("o/n", pickled, PARTS, None)
    assert str(refused.value) == (
        "o/n/vae/diffusion_pytorch_model.bin is a pickle, which can run any code when it is loaded, and its folder "
        "contains no .safetensors: convert it"
    )
    with pytest.raises(ModelError) as refused:
        pipeline_files("o/n", [*REPOSITORY, "unet/diffusers.py"], PARTS, None)
    assert str(refused.value) == (
        "o/n/unet/diffusers.py is code, and code in a checkpoint is never run: remove it"
    )


def test_only_data_files_are_fetched(tmp_path, monkeypatch):
    monkeypatch.setattr(hub, "file_names", lambda _: [])
    with pytest.raises(ModelError) as refused:
        hub.fetch(source_of("o/n", "hub", COMMIT), lambda _: ["weights.bin"])
    assert str(refused.value) == "o/n: weights.bin is not a data file; only data files are fetched."


@pytest.mark.parametrize(("value", "offline"), [("1", True), ("true", True), ("0", False), ("", False)])
def test_offline_mode_follows_the_values_of_huggingface_hub(monkeypatch, value, offline):
    monkeypatch.setenv("HF_HUB_OFFLINE", value)
    assert hub.is_offline() is offline
