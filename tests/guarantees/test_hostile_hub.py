"""Hub repositories follow the rules of folders: hostile ones are refused, and none of their code is run."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from farm.errors import ModelError
from farm.inputs.checkpoints.source import find_source
from farm.records import ControlNetSpec, IpAdapterSpec, LoraSpec
from farm.render import open_renderer
from farm.render.loading.pipeline import load_pipeline
from tests.checkpoints.controlnet import save_controlnet
from tests.checkpoints.ip_adapter import save_ip_adapter
from tests.guarantees.refusal import MANIFEST, refusal, write
from tests.render.frames import spec_of
from tests.stand_in_hub import COMMIT, stand_in_hub

MARKER = "from pathlib import Path; Path({marker!r}).touch()\n"
UNET = "unet/diffusion_pytorch_model.safetensors"


@pytest.fixture
def hub(tmp_path, monkeypatch):
    with stand_in_hub(tmp_path / "cache", monkeypatch) as serving:
        yield serving


@pytest.fixture
def repository(hub, tiny_sd, tmp_path):
    """The folder of `studio/tiny` on the hub."""
    hub.folders["studio/tiny"] = shutil.copytree(tiny_sd, tmp_path / "repository")
    return hub.folders["studio/tiny"]


@pytest.fixture
def code(tmp_path):
    """Code that leaves a marker, and a check that it was not run."""
    marker = tmp_path / "was-run"
    yield MARKER.format(marker=str(marker))
    assert not marker.exists()


def source(tmp_path, hub_id="studio/tiny", **settings):
    return find_source(hub_id, COMMIT, tmp_path, **settings)


def load(tmp_path, tiny_sd, **settings):
    return load_pipeline(replace(spec_of(tiny_sd), source=source(tmp_path), **settings), torch.device("cpu"))


def refused(tmp_path, tiny_sd, **settings):
    with pytest.raises(ModelError) as error:
        load(tmp_path, tiny_sd, **settings)
    snapshot = f"{tmp_path}/cache/models--studio--tiny/snapshots/{COMMIT}"
    prefix = f"studio/tiny@{COMMIT}: cannot be loaded as StableDiffusionPipeline: "
    return str(error.value).removeprefix(prefix).replace(snapshot, "SNAPSHOT")


def change(file, **changed):
    file.write_text(json.dumps({**json.loads(file.read_text()), **changed}))


def draw(pipeline):
    pipeline.set_progress_bar_config(disable=True)
    generator = torch.Generator("cpu").manual_seed(0)
    return pipeline("a red star", num_inference_steps=2, generator=generator, output_type="np").images[0]


def test_an_honest_repository_draws_the_same_as_its_folder_and_only_necessary_files_are_fetched(
    hub, repository, tmp_path, tiny_sd
):
    for name in ("README.md", "handler.py", "big.ckpt", "unet/diffusion_pytorch_model.bin", "notes.txt"):
        (repository / name).write_text("x")
    (repository / "unet" / "diffusion_pytorch_model.fp16.safetensors").write_bytes(b"x")
    hubs = load(tmp_path, tiny_sd)
    folders = load_pipeline(spec_of(tiny_sd), torch.device("cpu"))
    assert np.array_equal(draw(hubs), draw(folders))
    written = {file.relative_to(tiny_sd).as_posix() for file in tiny_sd.rglob("*") if file.is_file()}
    assert hub.fetched == {name for name in written if not name.startswith("raw-tokenizer/")}
    hub.requests.clear()
    load(tmp_path, tiny_sd)
    assert hub.requests == []


def test_fetched_files_are_loaded_without_the_hub(hub, repository, tmp_path, tiny_sd, monkeypatch):
    load(tmp_path, tiny_sd)
    hub.requests.clear()
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    load(tmp_path, tiny_sd)
    assert hub.requests == []


def test_a_folder_of_the_same_name_in_the_current_directory_is_not_mistaken_for_the_repository(
    hub, repository, tmp_path, tiny_sd, code, monkeypatch
):
    (tmp_path / "elsewhere" / "studio").mkdir(parents=True)
    other = shutil.copytree(repository, tmp_path / "elsewhere" / "studio" / "tiny")
    for part in ("unet", "vae"):
        (other / part / "config.json").write_text("{}")
        (other / part / "diffusers.py").write_text(code)
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert load(tmp_path, tiny_sd).unet.config.in_channels == 4


def community_pipeline(folder, code):
    change(folder / "model_index.json", _class_name=["lpw_stable_diffusion", "Evil"])
    (folder / "lpw_stable_diffusion.py").write_text(code)


def custom_component(folder, code):
    change(folder / "model_index.json", unet=["my_unet", "Evil"])
    (folder / "unet" / "my_unet.py").write_text(code)


def code_by_a_librarys_name(folder, code):
    (folder / "unet" / "diffusers.py").write_text(code)


def auto_map_in_a_processor(folder, code):
    change(folder / "model_index.json", feature_extractor=["transformers", "CLIPImageProcessor"])
    (folder / "feature_extractor").mkdir(exist_ok=True)
    (folder / "feature_extractor" / "preprocessor_config.json").write_text(
        json.dumps({"auto_map": {"AutoImageProcessor": "evil.Evil"}})
    )


def auto_map_in_a_tokenizer(folder, code):
    change(folder / "tokenizer" / "tokenizer_config.json", auto_map={"AutoTokenizer": ["evil.Evil", None]})


def pickles_only(folder, code):
    (folder / UNET).rename(folder / UNET.replace(".safetensors", ".bin"))


def adapter_beside_weights(folder, code):
    (folder / "text_encoder" / "adapter_config.json").write_text('{"base_model_name_or_path": "evil/base"}')


def nested_pipeline(folder, code):
    change(folder / "model_index.json", unet=["diffusers", "StableDiffusionPipeline"])


def component_of_another_class(folder, code):
    change(folder / "model_index.json", unet=["diffusers", "AutoencoderKL"])


def safety_checker_of_another_class(folder, code):
    change(folder / "model_index.json", safety_checker=["transformers", "RagModel"])


def kernel_of_the_hub(folder, code):
    change(folder / "text_encoder" / "config.json", _attn_implementation="evil/kernel")


def backbone_of_the_hub(folder, code):
    change(folder / "text_encoder" / "config.json", text_config={"backbone": "evil/backbone"})


def quantized(folder, code):
    change(folder / "unet" / "config.json", quantization_config={"quant_method": "sdnq"})


def pickle_called_safetensors(folder, code):
    (folder / UNET).write_bytes(b"\x80\x04.")


HOSTILE = {
    community_pipeline: (
        "SNAPSHOT/model_index.json names a pipeline with custom code: ['lpw_stable_diffusion', 'Evil']"
    ),
    custom_component: (
        "SNAPSHOT/model_index.json names a component that is not from diffusers or transformers: 'unet'"
    ),
    code_by_a_librarys_name: (
        "studio/tiny/unet/diffusers.py is code, and code in a checkpoint is never run: remove it"
    ),
    auto_map_in_a_processor: (
        "SNAPSHOT/feature_extractor/preprocessor_config.json sets auto_map: it requires custom code, and code in a "
        "checkpoint is never run"
    ),
    auto_map_in_a_tokenizer: (
        "SNAPSHOT/tokenizer/tokenizer_config.json sets auto_map: it requires custom code, and code in a "
        "checkpoint is never run"
    ),
    pickles_only: (
        "studio/tiny/unet/diffusion_pytorch_model.bin is a pickle, which can run any code when it is loaded, and "
        "its folder contains no .safetensors: convert it"
    ),
    adapter_beside_weights: (
        "studio/tiny/text_encoder/adapter_config.json would change or replace the weights in its folder: remove it, "
        "and list the adapter in model.loras"
    ),
    nested_pipeline: (
        "SNAPSHOT/model_index.json names a pipeline as a component, which would load its own components: "
        "'unet' is a StableDiffusionPipeline"
    ),
    component_of_another_class: (
        "SNAPSHOT/model_index.json names a unet that StableDiffusionPipeline does not accept: AutoencoderKL; allowed: "
        "UNet2DConditionModel"
    ),
    safety_checker_of_another_class: (
        "SNAPSHOT/model_index.json names a safety_checker that StableDiffusionPipeline does not accept: RagModel; "
        "allowed: StableDiffusionSafetyChecker"
    ),
    kernel_of_the_hub: (
        "SNAPSHOT/text_encoder/config.json sets _attn_implementation: it requires a kernel from the hub, which is "
        "code, and only installed code is run"
    ),
    backbone_of_the_hub: (
        "SNAPSHOT/text_encoder/config.json sets backbone: it requires a named backbone, which transformers fetches "
        "from the hub, and a checkpoint is loaded from its own files only"
    ),
    quantized: (
        "SNAPSHOT/unet/config.json sets quantization_config: it requires another library to unpack the weights, and a "
        "checkpoint is loaded from its own files only"
    ),
    pickle_called_safetensors: f"SNAPSHOT/{UNET} is not a safetensors file: it is a pickle",
}  # fmt: skip


@pytest.mark.parametrize("hostile", HOSTILE, ids=lambda hostile: hostile.__name__)
def test_a_hostile_repository_is_refused_and_none_of_its_code_is_run(
    hub, repository, tmp_path, tiny_sd, code, hostile, monkeypatch
):
    monkeypatch.setattr("builtins.input", lambda *_: pytest.fail("no prompt is allowed"))
    (repository / "evil.py").write_text(code)
    hostile(repository, code)
    assert refused(tmp_path, tiny_sd) == HOSTILE[hostile]
    assert not {name for name in hub.fetched if name.endswith((".py", ".bin"))}


@pytest.mark.parametrize("hostile", HOSTILE, ids=lambda hostile: hostile.__name__)
def test_it_is_refused_as_a_folder_too(repository, tmp_path, tiny_sd, code, hostile):
    hostile(repository, code)
    with pytest.raises(ModelError):
        load_pipeline(
            replace(spec_of(tiny_sd), source=find_source("./repository", None, tmp_path)), torch.device("cpu")
        )


def test_a_hostile_repository_in_the_cache_is_refused_before_anything_starts(
    hub, repository, tmp_path, tiny_sd
):
    load(tmp_path, tiny_sd)
    snapshot = tmp_path / "cache" / "models--studio--tiny" / "snapshots" / COMMIT
    auto_map_in_a_tokenizer(snapshot, "")
    path = write(tmp_path, model={**MANIFEST["model"], "pretrained": "studio/tiny", "revision": COMMIT})
    assert f"{snapshot}/tokenizer/tokenizer_config.json sets auto_map: it requires custom code" in refusal(
        path
    )


def test_a_link_of_a_snapshot_that_leads_out_of_its_repository_is_refused(hub, repository, tmp_path, tiny_sd):
    load(tmp_path, tiny_sd)
    snapshot = tmp_path / "cache" / "models--studio--tiny" / "snapshots" / COMMIT
    for name in ("vae/config.json", UNET):
        kept = (snapshot / name).resolve()
        (snapshot / name).unlink()
        (snapshot / name).symlink_to(repository / name)
        assert refused(tmp_path, tiny_sd) == (
            f"SNAPSHOT/{name} is a link that leads out of its repository in the hub's cache: remove it"
        )
        (snapshot / name).unlink()
        (snapshot / name).symlink_to(kept)
    load(tmp_path, tiny_sd)


def test_additions_to_a_model_follow_the_same_rules(hub, tmp_path, tiny_sd, code):
    for name, save in (("net", save_controlnet), ("eye", save_ip_adapter)):
        hub.folders[f"studio/{name}"] = save(tmp_path / name)
    hub.folders["studio/lora"] = tmp_path / "lora"
    (tmp_path / "lora").mkdir()
    settings = {"unet.r": 1, "unet.megatron_config": None, "unet.megatron_core": "os"}
    save_file(
        {"x_lora.down.weight": torch.zeros(1, 4)},
        tmp_path / "lora" / "lora.safetensors",
        {"lora_adapter_metadata": json.dumps(settings)},
    )
    change(tmp_path / "net" / "config.json", auto_map={"AutoModel": "evil.Evil"})
    (tmp_path / "eye" / "models" / "image_encoder" / "adapter_config.json").write_text("{}")

    def refusal_of(**parts):
        with pytest.raises(ModelError) as refused:
            open_renderer(spec_of(tiny_sd, **parts))
        _, _, why = str(refused.value).partition(": cannot be loaded as ")
        return why.replace(f"{tmp_path}/cache/", "").replace(f"/snapshots/{COMMIT}", "")

    def found(name, holds="adapter"):
        return source(tmp_path, f"studio/{name}", holds=holds)

    net = ControlNetSpec(source=found("net"), subfolder="", variant=None)
    assert refusal_of(pipeline="StableDiffusionControlNetPipeline", controlnets=(net,)) == (
        "a ControlNet: models--studio--net/config.json sets auto_map: it requires custom code, and code in a "
        "checkpoint is never run"
    )
    eye = IpAdapterSpec(
        source=found("eye"),
        subfolder="models",
        weight_name="ip-adapter_sd15.safetensors",
        image_encoder_folder="image_encoder",
    )
    assert refusal_of(ip_adapters=(eye,)) == (
        "an IP-Adapter: studio/eye/models/image_encoder/adapter_config.json would change or replace the "
        "weights in its folder: remove it, and list the adapter in model.loras"
    )
    assert refusal_of(loras=(LoraSpec(source=found("lora", "weights"), weight_name=None),)) == (
        "a LoRA: models--studio--lora/lora.safetensors is not a plain LoRA: its lora_adapter_metadata sets "
        "'unet.megatron_core', which is more than plain weights"
    )
