"""IP-Adapters are made for a UNet of the model's kind, and see through their own image encoder."""

import shutil

import huggingface_hub.constants
import pytest

from tests.checkpoints.hub_cache import fill_cache
from tests.rules.altering import altered

SD, XL = "StableDiffusionPipeline", "StableDiffusionXLPipeline"
SEEN = {"ip_adapter_image": "p.png"}
AN_ADAPTER = "needed: an IP-Adapter for a model of this kind, and its image encoder."


def ip_of(kind, size="sd15", folder="models", **more):
    name = f"{kind}_{size}.safetensors"
    return {"pretrained": "@ip", "subfolder": folder, "weight_name": name, **more}


@pytest.mark.parametrize("kind", ["ip-adapter", "ip-adapter-plus", "ip-adapter-plus-face"])
def test_an_ip_adapter_fits_its_model(kind, told):
    assert told(SD, "@sd", SEEN, ip_adapters=[ip_of(kind)]) == []
    assert told(XL, "@xl", SEEN, ip_adapters=[ip_of(kind, "sdxl", "sdxl_models")]) == []
    encoder = {"image_encoder_folder": "models/image_encoder"}
    assert told(XL, "@xl", SEEN, ip_adapters=[ip_of(kind, "sdxl", "sdxl_models", **encoder)]) == []


def test_an_ip_adapter_for_another_model_is_told(told):
    assert told(XL, "@xl", SEEN, ip_adapters=[ip_of("ip-adapter")]) == [
        "model.ip_adapters[0].weight_name: does not fit the model: its cross_attention_dim is 16, not 32; "
        + AN_ADAPTER
    ]


def test_an_ip_adapter_without_its_image_encoder_is_told(told):
    assert told(SD, "@sd", SEEN, ip_adapters=[ip_of("ip-adapter", image_encoder_folder="eyes")]) == [
        "model.ip_adapters[0].image_encoder_folder: there is no image encoder in models/eyes of @ip; needed: the "
        "folder of an image encoder, relative to subfolder, or to the top if its name contains a slash."
    ]


def test_an_ip_adapter_of_another_image_encoder_is_told(shelf, told, tmp_path):
    settings = {"projection_dim": 20, "hidden_size": 32}
    copy = altered(shelf("ip"), tmp_path / "vit-g", "models/image_encoder/config.json", **settings)
    adapters = [ip_of("ip-adapter") | {"pretrained": copy}, ip_of("ip-adapter-plus") | {"pretrained": copy}]
    assert told(SD, "@sd", {"ip_adapter_image": ["p.png", "p.png"]}, ip_adapters=adapters) == [
        "model.ip_adapters[0].weight_name: does not fit the model: its image encoder's projection_dim is 16, not 20; "
        + AN_ADAPTER,
        "model.ip_adapters[1].weight_name: does not fit the model: its image encoder's hidden_size is 24, not 32; "
        + AN_ADAPTER,
    ]


def test_an_adapters_file_that_is_not_there_is_told_with_those_that_are(told):
    adapters = [ip_of("ip-adapter-pluss")]
    assert told(SD, "@sd", SEEN, ip_adapters=adapters, loras=[{"pretrained": "@ip"}]) == [
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


OTHER_EYES = (
    "model.ip_adapters[1].image_encoder_folder: {} differs from the image encoder of {}, which all adapters share; "
    "allowed: IP-Adapters trained with one image encoder, which each of them names."
)
TWICE = {"ip_adapter_image": ["p.png", "p.png"]}


def test_all_ip_adapters_see_through_one_image_encoder(shelf, told, tmp_path):
    other = {"image_encoder_folder": "sdxl_models/image_encoder"}
    assert told(SD, "@sd", TWICE, ip_adapters=[ip_of("ip-adapter"), ip_of("ip-adapter-plus", **other)]) == [
        OTHER_EYES.format("sdxl_models/image_encoder of @ip", "the first adapter")
    ]
    same = {"image_encoder_folder": "models/image_encoder"}
    assert told(SD, "@sd", TWICE, ip_adapters=[ip_of("ip-adapter"), ip_of("ip-adapter-plus", **same)]) == []


def test_an_ip_adapter_that_names_no_encoder_takes_that_of_its_own_repository(told):
    eyes = {"image_encoder_folder": "models/image_encoder"}
    first = ip_of("ip-adapter", "sdxl", "sdxl_models", **eyes)
    assert told(XL, "@xl", TWICE, ip_adapters=[first, ip_of("ip-adapter-plus", "sdxl", "sdxl_models")]) == []


def test_an_ip_adapter_of_another_source_may_bring_the_same_encoder_but_no_other(shelf, told, tmp_path):
    copy = shutil.copytree(shelf("ip"), tmp_path / "copy")
    second = ip_of("ip-adapter-plus") | {"pretrained": str(copy)}
    assert told(SD, "@sd", TWICE, ip_adapters=[ip_of("ip-adapter"), second]) == []
    weights = "image_encoder/model.safetensors"
    shutil.copy(copy / "sdxl_models" / weights, copy / "models" / weights)
    assert told(SD, "@sd", TWICE, ip_adapters=[ip_of("ip-adapter"), second]) == [
        OTHER_EYES.format("models/image_encoder of copy", "the first adapter")
    ]
    shutil.rmtree(copy / "models" / "image_encoder")
    assert told(SD, "@sd", TWICE, ip_adapters=[ip_of("ip-adapter"), second]) == []


def test_an_encoder_that_is_named_is_there(told):
    named = ip_of("ip-adapter-plus", image_encoder_folder="eyes")
    assert told(SD, "@sd", TWICE, ip_adapters=[ip_of("ip-adapter"), named]) == [
        "model.ip_adapters[1].image_encoder_folder: there is no image encoder in models/eyes of @ip; needed: the "
        "folder of an image encoder, relative to subfolder, or to the top if its name contains a slash."
    ]


def test_the_models_own_image_encoder_is_that_of_all(shelf, told, tmp_path):
    kind = ["transformers", "CLIPVisionModelWithProjection"]
    copy = altered(shelf("sd"), tmp_path / "seeing", "model_index.json", image_encoder=kind)
    shutil.copytree(shelf("ip") / "models" / "image_encoder", tmp_path / "seeing" / "image_encoder")
    assert told(SD, copy, SEEN, ip_adapters=[ip_of("ip-adapter")]) == []
    other = ip_of("ip-adapter", image_encoder_folder="sdxl_models/image_encoder")
    assert told(SD, copy, TWICE, ip_adapters=[ip_of("ip-adapter"), other]) == [
        OTHER_EYES.format("sdxl_models/image_encoder of @ip", "the model")
    ]


def test_in_the_hubs_cache_encoders_are_told_apart_too(shelf, told, tmp_path, monkeypatch):
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    cached = {"pretrained": "studio/ip", "revision": fill_cache(tmp_path / "hub", "studio/ip", shelf("ip"))}
    adapters = [ip_of("ip-adapter"), ip_of("ip-adapter-plus") | cached]
    assert told(SD, "@sd", TWICE, ip_adapters=adapters) == []
    adapters[1] |= {"image_encoder_folder": "sdxl_models/image_encoder"}
    assert told(SD, "@sd", TWICE, ip_adapters=adapters) == [
        OTHER_EYES.format("sdxl_models/image_encoder of studio/ip", "the first adapter")
    ]
