"""Z-Image: Qwen3's tokens in a chat template, as many as the prompt has, and one transformer over all."""

from __future__ import annotations

from pathlib import Path

import torch
from diffusers import FlowMatchEulerDiscreteScheduler, ZImagePipeline, ZImageTransformer2DModel
from transformers import Qwen3Config, Qwen3Model

from tests.checkpoints.autoencoders import vae_of_transformers
from tests.checkpoints.text_encoders import WIDTH
from tests.checkpoints.tokenizers import qwen_tokenizer
from tests.checkpoints.weights import louder


def save_z_image(folder: Path) -> Path:
    """1024x1024 pixels by default."""
    torch.manual_seed(0)
    words = qwen_tokenizer()
    pipeline = ZImagePipeline(
        vae=vae_of_transformers(),
        tokenizer=words,
        text_encoder=Qwen3Model(
            Qwen3Config(
                vocab_size=len(words),
                hidden_size=WIDTH,
                intermediate_size=32,
                num_hidden_layers=3,
                num_attention_heads=2,
                num_key_value_heads=1,
                head_dim=8,
                max_position_embeddings=1024,
            )
        ),
        transformer=louder(
            ZImageTransformer2DModel(
                in_channels=16,
                dim=32,
                n_layers=2,
                n_refiner_layers=1,
                n_heads=2,
                n_kv_heads=2,
                cap_feat_dim=WIDTH,
                axes_dims=[8, 4, 4],
                axes_lens=[1024, 64, 64],
            )
        ),
        scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0),
    )
    pipeline.save_pretrained(folder)
    return folder
