"""Sana: Gemma's tokens, linear attention, and latents 32 times smaller than the picture."""

from __future__ import annotations

from pathlib import Path

import torch
from diffusers import AutoencoderDC, DPMSolverMultistepScheduler, SanaPipeline, SanaTransformer2DModel
from transformers import Gemma2Config, Gemma2Model

from tests.checkpoints.text_encoders import WIDTH
from tests.checkpoints.tokenizers import gemma_tokenizer
from tests.checkpoints.weights import louder

_STAGES = 6


def save_sana(folder: Path) -> Path:
    """For pictures around 512x512 pixels, by its sample size; 1024x1024 by default."""
    torch.manual_seed(0)
    words = gemma_tokenizer()
    pipeline = SanaPipeline(
        vae=AutoencoderDC(
            latent_channels=8,
            attention_head_dim=4,
            encoder_block_types="ResBlock",
            decoder_block_types="ResBlock",
            encoder_block_out_channels=(8,) * _STAGES,
            decoder_block_out_channels=(8,) * _STAGES,
            encoder_layers_per_block=(1,) * _STAGES,
            decoder_layers_per_block=(1,) * _STAGES,
            encoder_qkv_multiscales=((),) * _STAGES,
            decoder_qkv_multiscales=((),) * _STAGES,
            downsample_block_type="conv",
            upsample_block_type="interpolate",
            scaling_factor=0.41407,
        ),
        tokenizer=words,
        text_encoder=Gemma2Model(
            Gemma2Config(
                vocab_size=len(words),
                hidden_size=WIDTH,
                intermediate_size=32,
                num_hidden_layers=2,
                num_attention_heads=2,
                num_key_value_heads=1,
                head_dim=8,
                max_position_embeddings=1024,
            )
        ),
        transformer=louder(
            SanaTransformer2DModel(
                sample_size=16,
                patch_size=1,
                in_channels=8,
                out_channels=8,
                num_layers=2,
                num_attention_heads=2,
                attention_head_dim=8,
                num_cross_attention_heads=2,
                cross_attention_head_dim=8,
                cross_attention_dim=16,
                caption_channels=WIDTH,
            )
        ),
        scheduler=DPMSolverMultistepScheduler(
            prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=3.0
        ),
    )
    pipeline.save_pretrained(folder)
    return folder
