"""IP-Adapters must be trained for a UNet of the model's kind, with their image encoder."""

import shutil

import huggingface_hub.constants
import pytest

from tests.checkpoints.hub_cache import fill_cache
from tests.rules.altering import altered

SD, XL = "StableDiffusionPipeline", "StableDiffusionXLPipeline"
IMAGE_PROMPT = {"ip_adapter_image": "p.png"}
NEEDED = "needed: an IP-Adapter for a model of this kind, and its image encoder."


def ip_of(kind, size="sd15", folder="models", **more):
    name = f"{kind}_{size}.safetensors"
    return {"pretrained": "@ip", "subfolder": folder, "weight_name": name, **more}


@pytest.mark.parametrize("kind", ["ip-adapter", "ip-adapter-plus", "ip-adapter-plus-face"])
def test_an_ip_adapter_fits_its_model(kind, mismatches):
    assert mismatches(SD, "@sd", IMAGE_PROMPT, ip_adapters=[ip_of(kind)]) == []
    assert mismatches(XL, "@xl", IMAGE_PROMPT, ip_adapters=[ip_of(kind, "sdxl", "sdxl_models")]) == []
    encoder = {"image_encoder_folder": "models/image_encoder"}
    assert (
        mismatches(XL, "@xl", IMAGE_PROMPT, ip_adapters=[ip_of(kind, "sdxl", "sdxl_models", **encoder)]) == []
    )


def test_an_ip_adapter_for_another_model_is_reported(mismatches):
    assert mismatches(XL, "@xl", IMAGE_PROMPT, ip_adapters=[ip_of("ip-adapter")]) == [
        "model.ip_adapters[0].weight_name: does not fit the model: its cross_attention_dim is 16, not 32; "
        + NEEDED
    ]


def test_an_ip_adapter_without_its_image_encoder_is_reported(mismatches):
    assert mismatches(
        SD, "@sd", IMAGE_PROMPT, ip_adapters=[ip_of("ip-adapter", image_encoder_folder="eyes")]
    ) == [
        "model.ip_adapters[0].image_encoder_folder: there is no image encoder in models/eyes of @ip; needed: the "
        "folder of an image encoder, relative to subfolder, or to the top if its name contains a slash."
    ]


def test_an_ip_adapter_for_another_image_encoder_is_reported(saved, mismatches, tmp_path):
    settings = {"projection_dim": 20, "hidden_size": 32}
    copy = altered(saved("ip"), tmp_path / "vit-g", "models/image_encoder/config.json", **settings)
    adapters = [ip_of("ip-adapter") | {"pretrained": copy}, ip_of("ip-adapter-plus") | {"pretrained": copy}]
    assert mismatches(SD, "@sd", {"ip_adapter_image": ["p.png", "p.png"]}, ip_adapters=adapters) == [
        "model.ip_adapters[0].weight_name: does not fit the model: its image encoder's projection_dim is 16, not 20; "
        + NEEDED,
        "model.ip_adapters[1].weight_name: does not fit the model: its image encoder's hidden_size is 24, not 32; "
        + NEEDED,
    ]


def test_a_missing_adapter_file_is_reported_with_the_existing_ones(mismatches):
    adapters = [ip_of("ip-adapter-pluss")]
    assert mismatches(SD, "@sd", IMAGE_PROMPT, ip_adapters=adapters, loras=[{"pretrained": "@ip"}]) == [
        "model.ip_adapters[0].weight_name: there is no ip-adapter-pluss_sd15.safetensors in models of @ip (did you "
        "mean 'ip-adapter-plus_sd15.safetensors'?); allowed: a .safetensors file in that folder "
        "(image_encoder/model.safetensors, ip-adapter-plus-face_sd15.safetensors, ip-adapter-plus_sd15.safetensors, "
        "ip-adapter_sd15.safetensors).",
        "model.loras[0].weight_name: there is no pytorch_lora_weights.safetensors in @ip; allowed: a .safetensors file "
        "in that folder (models/image_encoder/model.safetensors, models/ip-adapter-plus-face_sd15.safetensors, "
        "models/ip-adapter-plus_sd15.safetensors, models/ip-adapter_sd15.safetensors, "
        "sdxl_models/image_encoder/model.safetensors, sdxl_models/ip-adapter-plus-face_sdxl.safetensors, "
        "sdxl_models/ip-adapter-plus_sdxl.safetensors, sdxl_models/ip-adapter_sdxl.safetensors).",
    ]


OTHER_ENCODER = (
    "model.ip_adapters[1].image_encoder_folder: {} differs from the image encoder of {}, which all adapters share; "
    "allowed: IP-Adapters trained with one image encoder, which each of them names."
)
TWO_PROMPTS = {"ip_adapter_image": ["p.png", "p.png"]}


def test_all_ip_adapters_share_one_image_encoder(saved, mismatches, tmp_path):
    other = {"image_encoder_folder": "sdxl_models/image_encoder"}
    assert mismatches(
        SD, "@sd", TWO_PROMPTS, ip_adapters=[ip_of("ip-adapter"), ip_of("ip-adapter-plus", **other)]
    ) == [OTHER_ENCODER.format("sdxl_models/image_encoder of @ip", "the first adapter")]
    same = {"image_encoder_folder": "models/image_encoder"}
    assert (
        mismatches(
            SD, "@sd", TWO_PROMPTS, ip_adapters=[ip_of("ip-adapter"), ip_of("ip-adapter-plus", **same)]
        )
        == []
    )


def test_an_ip_adapter_that_names_no_encoder_uses_that_of_its_repository(mismatches):
    eyes = {"image_encoder_folder": "models/image_encoder"}
    first = ip_of("ip-adapter", "sdxl", "sdxl_models", **eyes)
    assert (
        mismatches(
            XL, "@xl", TWO_PROMPTS, ip_adapters=[first, ip_of("ip-adapter-plus", "sdxl", "sdxl_models")]
        )
        == []
    )


def test_an_ip_adapter_of_another_source_may_contain_the_same_encoder_but_no_other(
    saved, mismatches, tmp_path
):
    copy = shutil.copytree(saved("ip"), tmp_path / "copy")
    second = ip_of("ip-adapter-plus") | {"pretrained": str(copy)}
    assert mismatches(SD, "@sd", TWO_PROMPTS, ip_adapters=[ip_of("ip-adapter"), second]) == []
    weights = "image_encoder/model.safetensors"
    shutil.copy(copy / "sdxl_models" / weights, copy / "models" / weights)
    assert mismatches(SD, "@sd", TWO_PROMPTS, ip_adapters=[ip_of("ip-adapter"), second]) == [
        OTHER_ENCODER.format("models/image_encoder of copy", "the first adapter")
    ]
    shutil.rmtree(copy / "models" / "image_encoder")
    assert mismatches(SD, "@sd", TWO_PROMPTS, ip_adapters=[ip_of("ip-adapter"), second]) == []


def test_a_named_encoder_must_exist(mismatches):
    named = ip_of("ip-adapter-plus", image_encoder_folder="eyes")
    assert mismatches(SD, "@sd", TWO_PROMPTS, ip_adapters=[ip_of("ip-adapter"), named]) == [
        "model.ip_adapters[1].image_encoder_folder: there is no image encoder in models/eyes of @ip; needed: the "
        "folder of an image encoder, relative to subfolder, or to the top if its name contains a slash."
    ]


def test_the_models_own_image_encoder_is_shared_by_all_adapters(saved, mismatches, tmp_path):
    kind = ["transformers", "CLIPVisionModelWithProjection"]
    copy = altered(saved("sd"), tmp_path / "seeing", "model_index.json", image_encoder=kind)
    shutil.copytree(saved("ip") / "models" / "image_encoder", tmp_path / "seeing" / "image_encoder")
    assert mismatches(SD, copy, IMAGE_PROMPT, ip_adapters=[ip_of("ip-adapter")]) == []
    other = ip_of("ip-adapter", image_encoder_folder="sdxl_models/image_encoder")
    assert mismatches(SD, copy, TWO_PROMPTS, ip_adapters=[ip_of("ip-adapter"), other]) == [
        OTHER_ENCODER.format("sdxl_models/image_encoder of @ip", "the model")
    ]


def test_encoders_in_the_hubs_cache_are_distinguished(saved, mismatches, tmp_path, monkeypatch):
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    cached = {"pretrained": "studio/ip", "revision": fill_cache(tmp_path / "hub", "studio/ip", saved("ip"))}
    adapters = [ip_of("ip-adapter"), ip_of("ip-adapter-plus") | cached]
    assert mismatches(SD, "@sd", TWO_PROMPTS, ip_adapters=adapters) == []
    adapters[1] |= {"image_encoder_folder": "sdxl_models/image_encoder"}
    assert mismatches(SD, "@sd", TWO_PROMPTS, ip_adapters=adapters) == [
        OTHER_ENCODER.format("sdxl_models/image_encoder of studio/ip", "the first adapter")
    ]
