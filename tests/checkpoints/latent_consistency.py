"""A latent consistency model: the UNet has the guidance scale as an input, and few steps suffice."""

from __future__ import annotations

from pathlib import Path

import torch
from diffusers import LatentConsistencyModelPipeline, LCMScheduler
from transformers import CLIPTextModel

from tests.checkpoints.autoencoders import vae
from tests.checkpoints.stable_diffusion import DDIM, UNCHECKED
from tests.checkpoints.text_encoders import clip_encoder
from tests.checkpoints.tokenizers import clip_tokenizer
from tests.checkpoints.unets import unet


def save_latent_consistency(folder: Path) -> Path:
    """16x16 pixels."""
    torch.manual_seed(0)
    words = clip_tokenizer()
    pipeline = LatentConsistencyModelPipeline(
        vae=vae(),
        tokenizer=words,
        text_encoder=clip_encoder(CLIPTextModel, words),
        unet=unet(time_cond_proj_dim=32),
        scheduler=LCMScheduler(**DDIM),
        **UNCHECKED,
    )
    pipeline.save_pretrained(folder)
    return folder
