"""Writes a folder of Stable Diffusion 3 as a single file in the original layout, with its text encoders."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import save_file

from tests.ldm_layout import vae_as_in_the_original, weights_of

_ENDS = {
    "pos_embed.pos_embed": "pos_embed",
    "pos_embed.proj": "x_embedder.proj",
    "time_text_embed.timestep_embedder.linear_1": "t_embedder.mlp.0",
    "time_text_embed.timestep_embedder.linear_2": "t_embedder.mlp.2",
    "time_text_embed.text_embedder.linear_1": "y_embedder.mlp.0",
    "time_text_embed.text_embedder.linear_2": "y_embedder.mlp.2",
    "norm_out.linear": "final_layer.adaLN_modulation.1",
    "proj_out": "final_layer.linear",
}
_BLOCK = {
    "attn.to_q": "x_block.attn.qkv",
    "attn.add_q_proj": "context_block.attn.qkv",
    "attn.to_out.0": "x_block.attn.proj",
    "attn.to_add_out": "context_block.attn.proj",
    "norm1.linear": "x_block.adaLN_modulation.1",
    "norm1_context.linear": "context_block.adaLN_modulation.1",
    "ff.net.0.proj": "x_block.mlp.fc1",
    "ff.net.2": "x_block.mlp.fc2",
    "ff_context.net.0.proj": "context_block.mlp.fc1",
    "ff_context.net.2": "context_block.mlp.fc2",
}
_ENCODERS = {"text_encoder": "clip_l", "text_encoder_2": "clip_g", "text_encoder_3": "t5xxl"}
_OF_QUERIES = (".to_k.", ".to_v.", ".add_k_proj.", ".add_v_proj.")


def save_sd3_as_single_file(folder: Path, file: Path) -> Path:
    """Save the transformer, VAE and text encoders of a diffusers folder as one `.safetensors`; return the file."""
    net = weights_of(folder / "transformer")
    last = max(int(name.split(".")[1]) for name in net if name.startswith("transformer_blocks."))
    weights = {
        f"model.diffusion_model.{_name(name)}": _joined(name, net, f"transformer_blocks.{last}.norm1_context")
        for name in net
        if not any(part in name for part in _OF_QUERIES)
    }
    for encoder, original in _ENCODERS.items():
        for name, weight in weights_of(folder / encoder).items():
            weights[f"text_encoders.{original}.transformer.{name}"] = weight
    t5 = "text_encoders.t5xxl.transformer"  # such files contain T5's embeddings under both names
    weights[f"{t5}.encoder.embed_tokens.weight"] = weights[f"{t5}.shared.weight"].clone()
    save_file(weights | vae_as_in_the_original(folder), file)
    return file


def _joined(name: str, net: dict[str, torch.Tensor], last: str) -> torch.Tensor:
    """Join the matrices of queries, keys and values, and swap scale and shift, as in the original."""
    if ".to_q." in name:
        return torch.cat([net[name.replace("to_q", f"to_{part}")] for part in "qkv"])
    if ".add_q_proj." in name:
        return torch.cat([net[name.replace("add_q", f"add_{part}")] for part in "qkv"])
    if name.startswith(("norm_out", last)):
        return torch.cat(net[name].chunk(2)[::-1])
    return net[name]


def _name(name: str) -> str:
    if name in _ENDS:
        return _ENDS[name]
    module, _, kind = name.rpartition(".")
    if not name.startswith("transformer_blocks."):
        return f"{_ENDS.get(module, module)}.{kind}"
    _, number, part = module.split(".", 2)
    return f"joint_blocks.{number}.{_BLOCK[part]}.{kind}"
