"""Writes a Stable Diffusion folder as one file in the layout of the original code, CompVis's latent diffusion."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

_UNET_ENDS = {
    "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2",
    "conv_in": "input_blocks.0.0",
    "conv_norm_out": "out.0",
    "conv_out": "out.2",
}
_UNET_RESNET = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "time_emb_proj": "emb_layers.1",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "conv_shortcut": "skip_connection",
}
_VAE_ATTENTION = {"group_norm": "norm", "to_q": "q", "to_k": "k", "to_v": "v", "to_out.0": "proj_out"}


def save_as_single_file(folder: Path, file: Path) -> Path:
    """Save the UNet, VAE and CLIP text encoder of a diffusers folder as one LDM `.safetensors`; return the file."""
    unet, vae, text = (_weights(folder / part) for part in ("unet", "vae", "text_encoder"))
    config = json.loads((folder / "unet" / "config.json").read_text())
    stages = len(json.loads((folder / "vae" / "config.json").read_text())["block_out_channels"])
    first_stage = {_vae_name(name, stages): (name, weight) for name, weight in vae.items()}
    save_file(
        {f"model.diffusion_model.{_unet_name(name, config)}": weight for name, weight in unet.items()}
        | {f"first_stage_model.{new}": _as_convolution(*old) for new, old in first_stage.items()}
        | {
            f"cond_stage_model.transformer.text_model.{name.removeprefix('text_model.')}": weight
            for name, weight in text.items()
        },
        file,
    )
    return file


def _weights(folder: Path) -> dict[str, torch.Tensor]:
    [file] = folder.glob("*.safetensors")
    return load_file(file)


def _unet_name(name: str, config: dict) -> str:
    # A stage of the original counts its layers and its down- or upsampler in one row of numbered blocks.
    row = config["layers_per_block"] + 1
    match name.split("."):
        case ["down_blocks", stage, "resnets", layer, part, kind]:
            return f"input_blocks.{int(stage) * row + int(layer) + 1}.0.{_UNET_RESNET[part]}.{kind}"
        case ["down_blocks", stage, "attentions", layer, *rest]:
            return f"input_blocks.{int(stage) * row + int(layer) + 1}.1.{'.'.join(rest)}"
        case ["down_blocks", stage, "downsamplers", "0", "conv", kind]:
            return f"input_blocks.{(int(stage) + 1) * row}.0.op.{kind}"
        case ["mid_block", "resnets", layer, part, kind]:
            return f"middle_block.{2 * int(layer)}.{_UNET_RESNET[part]}.{kind}"
        case ["mid_block", "attentions", "0", *rest]:
            return f"middle_block.1.{'.'.join(rest)}"
        case ["up_blocks", stage, "resnets", layer, part, kind]:
            return f"output_blocks.{int(stage) * row + int(layer)}.0.{_UNET_RESNET[part]}.{kind}"
        case ["up_blocks", stage, "attentions", layer, *rest]:
            return f"output_blocks.{int(stage) * row + int(layer)}.1.{'.'.join(rest)}"
        case ["up_blocks", stage, "upsamplers", "0", "conv", kind]:
            place = 2 if config["up_block_types"][int(stage)].startswith("CrossAttn") else 1
            return f"output_blocks.{int(stage) * row + row - 1}.{place}.conv.{kind}"
    module, _, kind = name.rpartition(".")
    return f"{_UNET_ENDS[module]}.{kind}"


def _vae_name(name: str, stages: int) -> str:
    match name.split("."):
        case [half, "down_blocks", stage, "resnets", layer, *rest]:
            return f"{half}.down.{stage}.block.{layer}.{_shortcut(rest)}"
        case [half, "down_blocks", stage, "downsamplers", "0", *rest]:
            return f"{half}.down.{stage}.downsample.{'.'.join(rest)}"
        case [half, "mid_block", "resnets", layer, *rest]:
            return f"{half}.mid.block_{int(layer) + 1}.{_shortcut(rest)}"
        case [half, "mid_block", "attentions", "0", *module, kind]:
            return f"{half}.mid.attn_1.{_VAE_ATTENTION['.'.join(module)]}.{kind}"
        case [
            half,
            "up_blocks",
            stage,
            "resnets",
            layer,
            *rest,
        ]:  # the original numbers them from the picture
            return f"{half}.up.{stages - 1 - int(stage)}.block.{layer}.{_shortcut(rest)}"
        case [half, "up_blocks", stage, "upsamplers", "0", *rest]:
            return f"{half}.up.{stages - 1 - int(stage)}.upsample.{'.'.join(rest)}"
    return name.replace("conv_norm_out", "norm_out")


def _shortcut(parts: list[str]) -> str:
    return ".".join(parts).replace("conv_shortcut", "nin_shortcut")


def _as_convolution(name: str, weight: torch.Tensor) -> torch.Tensor:
    # The original VAE attends with 1x1 convolutions, diffusers with linear layers.
    is_linear = "attentions" in name and weight.ndim == 2
    return weight[:, :, None, None] if is_linear else weight
