"""LoRAs in the layouts of common trainers, with names from published files."""

import pytest

from farm.inputs.checkpoints.adapters import read_lora
from farm.inputs.checkpoints.info import read_shapes


def lora_of(**pairs):
    """Read a LoRA of down matrices of rank 4, given by name and width."""
    return read_lora({name: (4, width) for name, width in pairs.items()})


UNET = {
    "diffusers": "unet.down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k.lora_A.weight",
    "diffusers 0.2x": "unet.down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k.lora.down.weight",
    "diffusers 0.1x": "down_blocks.0.attentions.0.transformer_blocks.0.attn2.processor.to_k_lora.down.weight",
    "PEFT": "base_model.model.down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_v.lora_A.default.weight",
    "kohya": "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k.lora_down.weight",
    "kohya XL": "lora_unet_input_blocks_4_1_transformer_blocks_0_attn2_to_k.lora_down.weight",
    "kohya, middle": "lora_unet_middle_block_1_transformer_blocks_0_attn2_to_v.lora_down.weight",
}
TRANSFORMER = {
    "diffusers": "transformer.transformer_blocks.0.attn.to_q.lora_A.weight",
    "diffusers, single": "transformer.single_transformer_blocks.0.attn.to_q.lora_A.weight",
    "kohya Flux": "lora_unet_double_blocks_0_img_attn_qkv.lora_down.weight",
    "kohya SD3": "lora_unet_joint_blocks_0_x_block_attn_qkv.lora_down.weight",
    "Z-Image": "diffusion_model.layers.0.attention.to_q.lora_A.weight",
    "Qwen-Image": "transformer_blocks.0.attn.to_q.lora_A.default.weight",
}


@pytest.mark.parametrize("layout", UNET)
def test_a_unets_cross_attention_is_read(layout):
    lora = lora_of(**{UNET[layout]: 768})
    assert (lora.net, lora.context, lora.tokens) == ("unet", {768}, set())


@pytest.mark.parametrize("layout", TRANSFORMER)
def test_a_transformers_attention_is_read(layout):
    lora = lora_of(**{TRANSFORMER[layout]: 3072})
    assert (lora.net, lora.context, lora.tokens) == ("transformer", set(), {3072})


def test_the_cross_attention_of_a_transformer_is_not_that_of_a_unet():
    lora = lora_of(**{"transformer.transformer_blocks.0.attn2.to_k.lora_A.weight": 2304})
    assert (lora.net, lora.context) == ("transformer", set())


@pytest.mark.parametrize(
    ("name", "encoder"),
    [
        ("text_encoder.text_model.encoder.layers.0.self_attn.q_proj.lora_A.weight", "text_encoder"),
        (
            "text_encoder.text_model.encoder.layers.0.self_attn.q_proj.lora_linear_layer.down.weight",
            "text_encoder",
        ),
        ("text_encoder_2.text_model.encoder.layers.0.self_attn.q_proj.lora_A.weight", "text_encoder_2"),
        ("lora_te_text_model_encoder_layers_0_self_attn_q_proj.lora_down.weight", "text_encoder"),
        ("lora_te1_text_model_encoder_layers_0_self_attn_q_proj.lora_down.weight", "text_encoder"),
        ("lora_te2_text_model_encoder_layers_0_self_attn_q_proj.lora_down.weight", "text_encoder_2"),
    ],
)
def test_text_encoders_are_distinguished_and_are_no_denoiser(name, encoder):
    lora = lora_of(**{name: 768})
    assert (lora.net, lora.words) == (None, {encoder: {768}})


@pytest.mark.parametrize(
    "name",
    [
        "double_blocks.0.processor.qkv_lora1.down.weight",
        "transformer.transformer_blocks.0.attn.to_q.lokr_w1",
        "lora_unet_down_blocks_0_attentions_0_proj_in.hada_w1_a",
        "text_encoders.clip_g.transformer.text_model.encoder.layers.0.self_attn.q_proj.lora_down.weight",
    ],
)
def test_widths_of_rare_layouts_and_variants_are_not_read(name):
    lora = lora_of(**{name: 1280})
    assert (lora.context, lora.tokens, lora.words) == (set(), set(), {})


@pytest.mark.parametrize("shapes", [{}, {"<doodle>": (768,)}, {"unet.conv_in.weight": (320, 4, 3, 3)}])
def test_other_weights_are_no_lora(shapes):
    assert read_lora(shapes) is None


@pytest.mark.parametrize(
    "header", [b"", b"{", b"[]", b'{"a": 1}', b'{"a": {"shape": 3}}', b'{"a": {"shape": ["x"]}}', b"null"]
)
def test_an_invalid_header_has_no_shapes(header, tmp_path):
    file = tmp_path / "odd.safetensors"
    file.write_bytes(len(header).to_bytes(8, "little") + header)
    assert read_shapes(file) == {}
    assert read_shapes(tmp_path / "missing.safetensors") == {}
