"""Stable Diffusion 3: three text encoders, a transformer over text and picture, flow matching."""

from __future__ import annotations

from pathlib import Path

import torch
from diffusers import FlowMatchEulerDiscreteScheduler, SD3Transformer2DModel, StableDiffusion3Pipeline
from transformers import CLIPTextModelWithProjection

from tests.checkpoints.autoencoders import vae_of_transformers
from tests.checkpoints.text_encoders import T5_WIDTH, WIDTH, clip_encoder, t5_encoder
from tests.checkpoints.tokenizers import clip_tokenizer, t5_tokenizer
from tests.checkpoints.weights import louder


def save_stable_diffusion_3(folder: Path, *, second_width: int = WIDTH) -> Path:
    """16x16 pixels.

    In a single file diffusers distinguishes the text encoders by their widths, and assumes that the first one projects
    to its own width, as it does here if the widths differ.
    """
    torch.manual_seed(0)
    first, second, third = clip_tokenizer(), clip_tokenizer(pad="!"), t5_tokenizer()
    encoder = clip_encoder(CLIPTextModelWithProjection, first)
    if second_width != WIDTH:
        torch.nn.init.eye_(encoder.text_projection.weight)
    pipeline = StableDiffusion3Pipeline(
        vae=vae_of_transformers(),
        tokenizer=first,
        tokenizer_2=second,
        tokenizer_3=third,
        text_encoder=encoder,
        text_encoder_2=clip_encoder(CLIPTextModelWithProjection, second, width=second_width),
        text_encoder_3=t5_encoder(third),
        transformer=louder(
            SD3Transformer2DModel(
                sample_size=8,
                patch_size=2,
                in_channels=16,
                out_channels=16,
                num_layers=2,
                attention_head_dim=8,
                num_attention_heads=2,
                caption_projection_dim=16,
                joint_attention_dim=T5_WIDTH,
                pooled_projection_dim=WIDTH + second_width,
                pos_embed_max_size=16,
            )
        ),
        scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0),
    )
    pipeline.save_pretrained(folder)
    return folder
