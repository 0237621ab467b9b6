"""LoRAs must be trained for a model of the same kind."""

import shutil

import pytest
import torch
from safetensors.torch import save_file

from tests.checkpoints.lora import WEIGHTS

SD, XL = "StableDiffusionPipeline", "StableDiffusionXLPipeline"
A_LORA = "needed: a LoRA trained for a model of this kind."


@pytest.mark.parametrize("name", ["style", "lcm-lora"])
def test_a_lora_fits_its_model(name, mismatches):
    assert mismatches(SD, "@sd", loras=[{"pretrained": f"@{name}"}]) == []


@pytest.mark.parametrize("name", ["style", "lcm-lora"])
def test_a_lora_for_another_unet_is_reported(name, mismatches):
    assert mismatches(XL, "@xl", loras=[{"pretrained": f"@{name}"}]) == [
        f"model.loras[0].pretrained: does not fit the model: its cross_attention_dim is 16, not 32; {A_LORA}"
    ]


def test_a_lora_for_a_unet_is_reported_for_a_transformer(mismatches):
    assert mismatches("FluxPipeline", "@FluxPipeline", loras=[{"pretrained": "@lcm-lora"}]) == [
        "model.loras[0].pretrained: does not fit the model: it is for a unet, and the model has a transformer; "
        + A_LORA
    ]


def save_lora(file, **shapes):
    save_file({name.replace("__", "."): torch.zeros(shape) for name, shape in shapes.items()}, file)
    return [{"pretrained": str(file)}]


def test_a_lora_for_a_transformer_is_reported_for_a_unet(mismatches, tmp_path):
    loras = save_lora(
        tmp_path / "flux.safetensors", transformer__transformer_blocks__0__attn__to_q__lora_A__weight=(2, 32)
    )
    assert mismatches("FluxPipeline", "@FluxPipeline", loras=loras) == []
    assert mismatches(SD, "@sd", loras=loras) == [
        "model.loras[0].pretrained: does not fit the model: it is for a transformer, and the model has a unet; "
        + A_LORA
    ]
    assert mismatches("StableDiffusion3Pipeline", "@StableDiffusion3Pipeline", loras=loras) == [
        f"model.loras[0].pretrained: does not fit the model: its attention width is 32, not 16; {A_LORA}"
    ]


def test_a_lora_for_other_text_encoders_is_reported(mismatches, tmp_path):
    loras = save_lora(
        tmp_path / "words.safetensors",
        lora_te1_text_model_encoder_layers_0_self_attn_q_proj__lora_down__weight=(2, 24),
        lora_te2_text_model_encoder_layers_0_self_attn_q_proj__lora_down__weight=(2, 16),
    )
    assert mismatches(SD, "@sd", loras=loras) == [
        "model.loras[0].pretrained: does not fit the model: its text_encoder width is 24, not 16 and it "
        f"is for a text_encoder_2, and the model has none; {A_LORA}"
    ]


def test_other_weights_than_loras_are_reported(mismatches):
    assert mismatches(SD, "@sd", loras=[{"pretrained": "@doodle"}]) == [
        f"model.loras[0].pretrained: does not fit the model: it contains no LoRA weights; {A_LORA}"
    ]


def test_one_of_several_files_must_be_named_unless_one_has_the_usual_name(saved, mismatches, tmp_path):
    for name in ("a", "b"):
        shutil.copy(saved("style") / WEIGHTS, tmp_path / f"{name}.safetensors")
    loras = [{"pretrained": str(tmp_path)}]
    assert mismatches(SD, "@sd", loras=[{"pretrained": str(tmp_path), "weight_name": "b.safetensors"}]) == []
    assert [line.partition("in /")[0] for line in mismatches(SD, "@sd", loras=loras)] == [
        f"model.loras[0].weight_name: there is no {WEIGHTS} "
    ]
    shutil.copy(saved("style") / WEIGHTS, tmp_path)
    assert mismatches(SD, "@sd", loras=loras) == []
