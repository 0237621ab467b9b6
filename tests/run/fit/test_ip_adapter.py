"""IP-Adapters are made for a UNet of the model's kind, and see through their own image encoder."""

import pytest

from tests.run.fit.altering import altered

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
        "folder of one, within subfolder, or from the top where its name holds a slash."
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
        "model.ip_adapters[0].weight_name: there is no ip-adapter-pluss_sd15.safetensors in models of @ip; allowed: a "
        ".safetensors file there (image_encoder/model.safetensors, ip-adapter-plus-face_sd15.safetensors, "
        "ip-adapter-plus_sd15.safetensors, ip-adapter_sd15.safetensors). Did you mean "
        "'ip-adapter-plus_sd15.safetensors'?",
        "model.loras[0].weight_name: there is no pytorch_lora_weights.safetensors in @ip; allowed: a .safetensors file "
        "there (models/image_encoder/model.safetensors, models/ip-adapter-plus-face_sd15.safetensors, "
        "models/ip-adapter-plus_sd15.safetensors, models/ip-adapter_sd15.safetensors, "
        "sdxl_models/image_encoder/model.safetensors, sdxl_models/ip-adapter-plus-face_sdxl.safetensors, "
        "sdxl_models/ip-adapter-plus_sdxl.safetensors, sdxl_models/ip-adapter_sdxl.safetensors).",
    ]
