"""UNets of Stable Diffusion in two stages, for text embeddings 16 numbers wide."""

from __future__ import annotations

from typing import Any

from diffusers import ControlNetModel, UNet2DConditionModel

from tests.checkpoints.text_encoders import WIDTH
from tests.checkpoints.weights import louder

_STAGES: dict[str, Any] = {
    "block_out_channels": (16, 32),
    "layers_per_block": 1,
    "norm_num_groups": 4,
    "down_block_types": ("CrossAttnDownBlock2D", "DownBlock2D"),
    "cross_attention_dim": WIDTH,
    "attention_head_dim": 8,
}
_XL_STAGES: dict[str, Any] = {
    "block_out_channels": (16, 32),
    "layers_per_block": 1,
    "norm_num_groups": 4,
    "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"),
    "transformer_layers_per_block": (1, 2),
    "attention_head_dim": (2, 4),
    "use_linear_projection": True,
    "addition_embed_type": "text_time",
    "addition_time_embed_dim": 8,
}
# One halving, as in the autoencoder: it has one channel count more than halvings.
_HINT: dict[str, Any] = {"conditioning_embedding_out_channels": (8, 16)}


def unet(**config: Any) -> UNet2DConditionModel:
    up = ("UpBlock2D", "CrossAttnUpBlock2D")
    stages = _STAGES | {"sample_size": 8, "up_block_types": up, "out_channels": 4}
    return louder(UNet2DConditionModel(**stages | config))


def unet_xl(*, widths: tuple[int, ...] = (WIDTH, WIDTH), time_ids: int = 6) -> UNet2DConditionModel:
    up = ("CrossAttnUpBlock2D", "UpBlock2D")
    stages = _XL_STAGES | _xl(widths, time_ids)
    net = louder(UNet2DConditionModel(**stages, sample_size=8, up_block_types=up))
    louder(net.add_embedding, 2.0)
    return net


def controlnet() -> ControlNetModel:
    return louder(ControlNetModel(**_STAGES, **_HINT))


def controlnet_xl(*, widths: tuple[int, ...] = (WIDTH, WIDTH)) -> ControlNetModel:
    return louder(ControlNetModel(**_XL_STAGES, **_xl(widths, 6), **_HINT))


def _xl(widths: tuple[int, ...], time_ids: int) -> dict[str, int]:
    # The last encoder's pooled embedding, and so many numbers about size and crop (and, in the refiner, beauty).
    return {
        "cross_attention_dim": sum(widths),
        "projection_class_embeddings_input_dim": widths[-1]
        + time_ids * _XL_STAGES["addition_time_embed_dim"],
    }
