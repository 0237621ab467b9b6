"""Flux: CLIP's pooled text and T5's tokens, a transformer over packed latents with the guidance scale as an input."""

from __future__ import annotations

from pathlib import Path

import torch
from diffusers import FlowMatchEulerDiscreteScheduler, FluxPipeline, FluxTransformer2DModel
from transformers import CLIPTextModel

from tests.checkpoints.autoencoders import vae_of_transformers
from tests.checkpoints.text_encoders import T5_WIDTH, WIDTH, clip_encoder, t5_encoder
from tests.checkpoints.tokenizers import clip_tokenizer, t5_tokenizer
from tests.checkpoints.weights import louder


def save_flux(folder: Path, *, guidance_embeds: bool = True) -> Path:
    """Guided as Flux.1-dev, or without `guidance_embeds` as Flux.1-schnell; 256x256 pixels by default."""
    torch.manual_seed(0)
    first, second = clip_tokenizer(), t5_tokenizer()
    pipeline = FluxPipeline(
        vae=vae_of_transformers(),
        tokenizer=first,
        tokenizer_2=second,
        text_encoder=clip_encoder(CLIPTextModel, first),
        text_encoder_2=t5_encoder(second),
        transformer=louder(
            FluxTransformer2DModel(
                patch_size=1,
                in_channels=4 * 16,
                num_layers=1,
                num_single_layers=1,
                attention_head_dim=16,
                num_attention_heads=2,
                joint_attention_dim=T5_WIDTH,
                pooled_projection_dim=WIDTH,
                axes_dims_rope=(4, 6, 6),
                guidance_embeds=guidance_embeds,
            )
        ),
        scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0, use_dynamic_shifting=guidance_embeds),
    )
    pipeline.save_pretrained(folder)
    return folder
