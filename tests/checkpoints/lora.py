"""LoRAs: for the tiny Stable Diffusion and SDXL in diffusers' layout and that of kohya's scripts, and for any model."""

from __future__ import annotations

import importlib
import inspect
import json
from collections.abc import Iterator
from pathlib import Path

import diffusers
import torch
from diffusers import StableDiffusionPipeline, UNet2DConditionModel
from safetensors.torch import save_file
from torch import nn
from transformers import CLIPTextModel

from tests.checkpoints.text_encoders import clip_encoder
from tests.checkpoints.tokenizers import clip_tokenizer
from tests.checkpoints.unets import unet, unet_xl

_RANK = 2
_ATTENTION = ("to_q", "to_k", "to_v", "to_out.0")
_WORDS = ("q_proj", "v_proj")
WEIGHTS = "pytorch_lora_weights.safetensors"


def save_style_lora(folder: Path, *, seed: int = 0) -> Path:
    """For the UNet and the text encoder; another seed gives another style."""
    torch.manual_seed(seed)
    text = clip_encoder(CLIPTextModel, clip_tokenizer())
    StableDiffusionPipeline.save_lora_weights(
        folder,
        unet_lora_layers=_layers(unet(), _ATTENTION),
        text_encoder_lora_layers=_layers(text, _WORDS),
        weight_name=WEIGHTS,
    )
    return folder


def save_lora(folder: Path, *, model: Path, pipeline: str) -> Path:
    """For the denoiser of a checkpoint, and for those of its text encoders that LoRAs of the pipeline reach."""
    torch.manual_seed(0)
    save = getattr(diffusers, pipeline).save_lora_weights
    parts = [name.removesuffix("_lora_layers") for name in inspect.signature(save).parameters]
    layers = {
        f"{part}_lora_layers": _layers(_loaded(model, part), _WORDS if "text" in part else _ATTENTION)
        for part in parts
        if (model / part).is_dir()
    }
    save(folder, **layers, weight_name=WEIGHTS)
    return folder


def save_lcm_lora(folder: Path) -> Path:
    """For the UNet alone, in the layout of latent-consistency/lcm-lora-sdv1-5, to be used with an LCMScheduler."""
    return _save_lcm_lora(unet(), folder)


def save_lcm_lora_xl(folder: Path) -> Path:
    """For SDXL's UNet, in the layout of latent-consistency/lcm-lora-sdxl, to be used with an LCMScheduler."""
    return _save_lcm_lora(unet_xl(), folder)


def _save_lcm_lora(net: UNet2DConditionModel, folder: Path) -> Path:
    torch.manual_seed(1)
    weights = {}
    for name, down, up in _pairs(net, (*_ATTENTION, "proj_in", "proj_out")):
        prefix = f"lora_unet_{name.replace('.', '_')}"
        weights[f"{prefix}.lora_down.weight"] = down
        weights[f"{prefix}.lora_up.weight"] = up
        weights[f"{prefix}.alpha"] = torch.tensor(float(_RANK))
    folder.mkdir(parents=True, exist_ok=True)
    save_file(weights, folder / WEIGHTS)
    return folder


def _loaded(model: Path, part: str) -> nn.Module:
    library, kind = json.loads((model / "model_index.json").read_text())[part]
    return getattr(importlib.import_module(library), kind).from_pretrained(model / part)


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
