"""The files loaded from an adapter's repository, and the messages about failures."""

import pytest
import torch
from safetensors.torch import save_file

from farm.errors import ModelError
from farm.inputs.checkpoints import hub
from farm.records import ControlNetSpec, IpAdapterSpec, LoraSpec, ModelSource, TextualInversionSpec
from farm.render import open_renderer
from farm.render.loading import adapters
from tests.checkpoints.stable_diffusion import save_stable_diffusion
from tests.render.frames import spec_of

COMMIT = "c" * 40
USUAL = "usual.safetensors"


def source_of(place, kind="folder", revision=""):
    return ModelSource(
        pretrained=str(place), kind=kind, location=str(place), revision=revision, fingerprint=""
    )


@pytest.mark.parametrize("encoder", ["image_encoder", "models/image_encoder"])
def test_only_one_ip_adapter_of_a_repository_is_fetched_with_its_image_encoder(
    monkeypatch, tmp_path, encoder
):
    asked = {}

    class Pipeline:
        image_encoder, dtype = None, "dtype"

        def load_ip_adapter(self, folders, **settings):
            asked.update(settings, folders=folders)

        def register_modules(self, *, image_encoder):
            asked.update(encoder=image_encoder)

    class Encoder:
        @staticmethod
        def from_pretrained(folder, *, subfolder, use_safetensors, **_):
            return folder, subfolder, use_safetensors

    def snapshot_download(hub_id, *, revision, allow_patterns, local_files_only):
        asked.update(hub_id=hub_id, revision=revision, patterns=allow_patterns)
        return tmp_path

    for name in ("", "-plus"):
        save_file({"x": torch.zeros(1)}, tmp_path / f"one{name}.safetensors")
    names = ["models/one.safetensors", "models/one-plus.safetensors", "README.md"]
    for folder in ("models/image_encoder", "sdxl_models/image_encoder"):
        names += [f"{folder}/{name}" for name in ("config.json", "model.safetensors", "pytorch_model.bin")]
    monkeypatch.setattr("huggingface_hub.snapshot_download", snapshot_download)
    monkeypatch.setattr(hub, "file_names", lambda _: names)
    monkeypatch.setattr(adapters, "CLIPVisionModelWithProjection", Encoder)
    adapter = IpAdapterSpec(
        source=source_of("studio/many", "hub", COMMIT),
        subfolder="models",
        weight_name="one.safetensors",
        image_encoder_folder=encoder,
    )
    adapters.load_ip_adapters(Pipeline(), [adapter])
    assert asked == {
        "hub_id": "studio/many",
        "revision": COMMIT,
        "patterns": [
            "models/one.safetensors",
            "models/image_encoder/config.json",
            "models/image_encoder/model.safetensors",
        ],
        "folders": [str(tmp_path)],
        "subfolder": ["models"],
        "weight_name": ["one.safetensors"],
        "image_encoder_folder": None,
        "encoder": (str(tmp_path), "models/image_encoder", True),
        "local_files_only": True,
    }


NOWHERE = source_of("studio/nowhere", "hub", COMMIT)
MISSING = {
    "a ControlNet": {
        "pipeline": "StableDiffusionControlNetPipeline",
        "controlnets": (ControlNetSpec(source=NOWHERE, subfolder="", variant=None),),
    },
    "a LoRA": {"loras": (LoraSpec(source=NOWHERE, weight_name=None),)},
    "an IP-Adapter": {
        "ip_adapters": (
            IpAdapterSpec(
                source=NOWHERE, subfolder="", weight_name=USUAL, image_encoder_folder="image_encoder"
            ),
        )
    },
    "a textual inversion": {
        "textual_inversions": (TextualInversionSpec(source=NOWHERE, weight_name=None, token=None),)
    },
}


@pytest.mark.parametrize("kind", MISSING)
def test_a_missing_addition_is_reported_by_its_own_name(folders, tmp_path, monkeypatch, kind):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ModelError) as refused:
        open_renderer(spec_of(folders(save_stable_diffusion), **MISSING[kind]))
    prefix = f"studio/nowhere@{COMMIT}: cannot be loaded as {kind}: "
    assert str(refused.value).startswith(prefix)
    assert len(str(refused.value)) > len(prefix)
