"""Autoencoders of two stages: a latent is half as high and wide as its picture."""

from __future__ import annotations

from typing import Any

from diffusers import AutoencoderKL
from torch import nn

from tests.checkpoints.weights import louder


def vae(*, stages: int = 2, **config: Any) -> AutoencoderKL:
    coder = AutoencoderKL(
        block_out_channels=(8,) * (stages - 1) + (16,),
        down_block_types=("DownEncoderBlock2D",) * stages,
        up_block_types=("UpDecoderBlock2D",) * stages,
        norm_num_groups=4,
        **{"latent_channels": 4, "sample_size": 16} | config,
    )
    louder(coder.encoder, 3.0, layers=nn.Conv2d)
    return coder


def vae_of_transformers(**config: Any) -> AutoencoderKL:
    """With 16 latent channels, a shift, and no convolution around the latents, as SD3's, Flux's and Z-Image's."""
    return vae(
        latent_channels=16,
        scaling_factor=0.3611,
        shift_factor=0.1159,
        use_quant_conv=False,
        use_post_quant_conv=False,
        **config,
    )
