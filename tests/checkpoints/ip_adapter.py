"""IP-Adapters for the tiny Stable Diffusion and Stable Diffusion XL, named and laid out as in h94/IP-Adapter."""

from __future__ import annotations

from pathlib import Path

import torch
from diffusers import UNet2DConditionModel
from diffusers.models.embeddings import ImageProjection, IPAdapterPlusImageProjection
from safetensors.torch import save_file
from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

from tests.checkpoints.unets import unet, unet_xl

_HIDDEN, _PROJECTED = 24, 16


def save_ip_adapter(folder: Path) -> Path:
    """Save plain, plus and plus-face adapters in `models` and `sdxl_models`, an image encoder in each."""
    for number, (part, net, suffix) in enumerate(
        (("models", unet(), "sd15"), ("sdxl_models", unet_xl(), "sdxl"))
    ):
        torch.manual_seed(number)
        _image_encoder().save_pretrained(folder / part / "image_encoder")
        for name, projection in (
            ("ip-adapter", _plain(net.config.cross_attention_dim)),
            ("ip-adapter-plus", _plus(net.config.cross_attention_dim)),
            ("ip-adapter-plus-face", _plus(net.config.cross_attention_dim)),
        ):
            weights = {f"image_proj.{key}": weight for key, weight in projection.items()} | _attention(net)
            save_file(weights, folder / part / f"{name}_{suffix}.safetensors")
    return folder


def _image_encoder() -> CLIPVisionModelWithProjection:
    """Encodes 32x32 pixels in four patches."""
    return CLIPVisionModelWithProjection(
        CLIPVisionConfig(
            hidden_size=_HIDDEN,
            projection_dim=_PROJECTED,
            intermediate_size=32,
            num_hidden_layers=3,
            num_attention_heads=2,
            image_size=32,
            patch_size=16,
        )
    )


def _attention(net: UNet2DConditionModel) -> dict[str, torch.Tensor]:
    weights = {}
    for number, name in enumerate(net.attn_processors):
        attention = net.get_submodule(name.removesuffix(".processor"))
        if attention.is_cross_attention:
            for part in ("to_k", "to_v"):
                weight = attention.get_submodule(part).weight
                weights[f"ip_adapter.{number}.{part}_ip.weight"] = torch.randn_like(weight) / 3
    return weights


def _plain(width: int) -> dict[str, torch.Tensor]:
    """The picture's one embedding as four tokens."""
    projection = ImageProjection(
        image_embed_dim=_PROJECTED, cross_attention_dim=width, num_image_text_embeds=4
    )
    return {key.replace("image_embeds", "proj"): weight for key, weight in projection.state_dict().items()}


def _plus(width: int) -> dict[str, torch.Tensor]:
    """A resampler of the embeddings of all patches, with the component names of the original code."""
    projection = IPAdapterPlusImageProjection(
        embed_dims=_HIDDEN, output_dims=width, hidden_dims=16, heads=1, num_queries=4
    )
    weights = projection.state_dict()
    for layer in range(len(projection.layers)):
        attention, forward = f"layers.{layer}.0", f"layers.{layer}.1"
        keys, values = (weights.pop(f"layers.{layer}.attn.{part}.weight") for part in ("to_k", "to_v"))
        weights[f"{attention}.to_kv.weight"] = torch.cat([keys, values])
        for new, old in (
            (f"{attention}.norm1", "ln0"),
            (f"{attention}.norm2", "ln1"),
            (f"{attention}.to_q", "attn.to_q"),
            (f"{attention}.to_out", "attn.to_out.0"),
            (f"{forward}.0", "ff.0"),
            (f"{forward}.1", "ff.1.net.0.proj"),
            (f"{forward}.3", "ff.1.net.2"),
        ):
            for kind in ("weight", "bias"):
                if f"layers.{layer}.{old}.{kind}" in weights:
                    weights[f"{new}.{kind}"] = weights.pop(f"layers.{layer}.{old}.{kind}")
    return weights
