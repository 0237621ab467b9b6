"""PixArt-Sigma: T5's tokens, a transformer that also predicts the variance."""

from __future__ import annotations

from pathlib import Path

import torch
from diffusers import DPMSolverMultistepScheduler, PixArtSigmaPipeline, PixArtTransformer2DModel

from tests.checkpoints.autoencoders import vae
from tests.checkpoints.text_encoders import T5_WIDTH, t5_encoder
from tests.checkpoints.tokenizers import t5_tokenizer
from tests.checkpoints.weights import louder


def save_pixart(folder: Path) -> Path:
    """Latents an eighth of a picture, like the real one's; 256x256 pixels by default."""
    torch.manual_seed(0)
    words = t5_tokenizer()
    pipeline = PixArtSigmaPipeline(
        vae=vae(stages=4, scaling_factor=0.13025),
        tokenizer=words,
        text_encoder=t5_encoder(words),
        transformer=louder(
            PixArtTransformer2DModel(
                sample_size=32,
                patch_size=2,
                in_channels=4,
                out_channels=8,
                num_layers=2,
                attention_head_dim=8,
                num_attention_heads=2,
                caption_channels=T5_WIDTH,
                cross_attention_dim=16,
                use_additional_conditions=False,
            )
        ),
        scheduler=DPMSolverMultistepScheduler(beta_schedule="linear"),
    )
    pipeline.save_pretrained(folder)
    return folder
