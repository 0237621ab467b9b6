"""LoRAs for the tiny Stable Diffusion: one in diffusers' layout, one in that of kohya's scripts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import torch
from diffusers import StableDiffusionPipeline
from safetensors.torch import save_file
from torch import nn
from transformers import CLIPTextModel

from tests.checkpoints.text_encoders import clip_encoder
from tests.checkpoints.tokenizers import clip_tokenizer
from tests.checkpoints.unets import unet

_RANK = 2
WEIGHTS = "pytorch_lora_weights.safetensors"


def save_style_lora(folder: Path, *, seed: int = 0) -> Path:
    """For the UNet and the text encoder; another seed gives another style."""
    torch.manual_seed(seed)
    text = clip_encoder(CLIPTextModel, clip_tokenizer())
    StableDiffusionPipeline.save_lora_weights(
        folder,
        unet_lora_layers=_layers(unet(), ("to_q", "to_k", "to_v", "to_out.0")),
        text_encoder_lora_layers=_layers(text, ("q_proj", "v_proj")),
        weight_name=WEIGHTS,
    )
    return folder


def save_lcm_lora(folder: Path) -> Path:
    """For the UNet alone, in the layout of latent-consistency/lcm-lora-sdv1-5, to be used with an LCMScheduler."""
    torch.manual_seed(1)
    weights = {}
    for name, down, up in _pairs(unet(), ("to_q", "to_k", "to_v", "to_out.0", "proj_in", "proj_out")):
        prefix = f"lora_unet_{name.replace('.', '_')}"
        weights[f"{prefix}.lora_down.weight"] = down
        weights[f"{prefix}.lora_up.weight"] = up
        weights[f"{prefix}.alpha"] = torch.tensor(float(_RANK))
    folder.mkdir(parents=True, exist_ok=True)
    save_file(weights, folder / WEIGHTS)
    return folder


def _layers(model: nn.Module, ends: tuple[str, ...]) -> dict[str, torch.Tensor]:
    return {
        f"{name}.{matrix}.weight": weight
        for name, down, up in _pairs(model, ends)
        for matrix, weight in (("lora_A", down), ("lora_B", up))
    }


def _pairs(model: nn.Module, ends: tuple[str, ...]) -> Iterator[tuple[str, torch.Tensor, torch.Tensor]]:
    for name, module in model.named_modules():
        if name.endswith(ends):
            wide, deep, *size = module.weight.shape
            yield name, torch.randn(_RANK, deep, *size) / 4, torch.randn(wide, _RANK, *size) / 4
