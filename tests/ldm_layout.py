"""Writes a folder of Stable Diffusion or SDXL as a single file in the original layout."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

_UNET_ENDS = {
    "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2",
    "add_embedding.linear_1": "label_emb.0.0",
    "add_embedding.linear_2": "label_emb.0.2",
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
_OPEN_CLIP = {
    "text_model.encoder.layers": "transformer.resblocks",
    "text_model.final_layer_norm": "ln_final",
    "text_model.embeddings.token_embedding": "token_embedding",
    "text_model.embeddings.position_embedding.weight": "positional_embedding",
    "text_projection.weight": "text_projection",
    "layer_norm1": "ln_1",
    "layer_norm2": "ln_2",
    "mlp.fc1": "mlp.c_fc",
    "mlp.fc2": "mlp.c_proj",
    "self_attn": "attn",
}
_VAE_ATTENTION = {"group_norm": "norm", "to_q": "q", "to_k": "k", "to_v": "v", "to_out.0": "proj_out"}


def save_as_single_file(folder: Path, file: Path) -> Path:
    """Save the UNet, VAE and text encoders of a diffusers folder as one `.safetensors`; return the file."""
    config = json.loads((folder / "unet" / "config.json").read_text())
    net = {
        f"model.diffusion_model.{_unet_name(name, config)}": weight
        for name, weight in weights_of(folder / "unet").items()
    }
    save_file(net | vae_as_in_the_original(folder) | _text(folder), file)
    return file


def vae_as_in_the_original(folder: Path) -> dict[str, torch.Tensor]:
    """Return the weights of a folder's VAE by their names in a single file."""
    stages = len(json.loads((folder / "vae" / "config.json").read_text())["block_out_channels"])
    return {
        f"first_stage_model.{_vae_name(name, stages)}": _as_convolution(name, weight)
        for name, weight in weights_of(folder / "vae").items()
    }


def _text(folder: Path) -> dict[str, torch.Tensor]:
    is_xl = (folder / "text_encoder_2").is_dir()
    prefix = "conditioner.embedders.0" if is_xl else "cond_stage_model"
    weights = {
        f"{prefix}.transformer.text_model.{name.removeprefix('text_model.')}": weight
        for name, weight in weights_of(folder / "text_encoder").items()
    }
    if is_xl:
        second = _open_clip(weights_of(folder / "text_encoder_2"))
        weights |= {f"conditioner.embedders.1.model.{name}": weight for name, weight in second.items()}
    return weights


def _open_clip(weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    # The original has one matrix for queries, keys and values, and projects from the left.
    named: dict[str, torch.Tensor] = {}
    for name, weight in weights.items():
        if ".k_proj." in name or ".v_proj." in name:
            continue
        if ".q_proj." in name:
            weight = torch.cat([weights[name.replace(".q_proj.", f".{part}_proj.")] for part in "qkv"])
        for part, original in _OPEN_CLIP.items():
            name = name.replace(part, original)
        named[name.replace("q_proj.", "in_proj_")] = weight.T if name == "text_projection" else weight
    return {name: weight.contiguous() for name, weight in named.items()}


def weights_of(folder: Path) -> dict[str, torch.Tensor]:
    """Return the weights of one part of a folder."""
    [file] = folder.glob("*.safetensors")
    return load_file(file)


def _unet_name(name: str, config: dict) -> str:
    # A stage of the original numbers its layers and its down- or upsampler consecutively.
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
            index = 2 if config["up_block_types"][int(stage)].startswith("CrossAttn") else 1
            return f"output_blocks.{int(stage) * row + row - 1}.{index}.conv.{kind}"
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
        ]:  # the original numbers them from the picture's side
            return f"{half}.up.{stages - 1 - int(stage)}.block.{layer}.{_shortcut(rest)}"
        case [half, "up_blocks", stage, "upsamplers", "0", *rest]:
            return f"{half}.up.{stages - 1 - int(stage)}.upsample.{'.'.join(rest)}"
    return name.replace("conv_norm_out", "norm_out")


def _shortcut(parts: list[str]) -> str:
    return ".".join(parts).replace("conv_shortcut", "nin_shortcut")


def _as_convolution(name: str, weight: torch.Tensor) -> torch.Tensor:
    # The attention of the original VAE has 1x1 convolutions, that of diffusers linear layers.
    is_linear = "attentions" in name and weight.ndim == 2
    return weight[:, :, None, None] if is_linear else weight
