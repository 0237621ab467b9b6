"""Qwen-Image: the tokens of Qwen2.5-VL, an autoencoder of videos, packed latents."""

from __future__ import annotations

from pathlib import Path

import torch
from diffusers import (
    AutoencoderKLQwenImage,
    FlowMatchEulerDiscreteScheduler,
    QwenImagePipeline,
    QwenImageTransformer2DModel,
)
from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

from tests.checkpoints.text_encoders import WIDTH
from tests.checkpoints.tokenizers import qwen_tokenizer
from tests.checkpoints.weights import louder


def save_qwen_image(folder: Path) -> Path:
    """Latents a quarter of a picture (the real one's: an eighth); 512x512 pixels by default."""
    torch.manual_seed(0)
    words = qwen_tokenizer()
    text = {
        "vocab_size": len(words),
        "hidden_size": WIDTH,
        "intermediate_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "rope_parameters": {"rope_type": "default", "rope_theta": 1e6, "mrope_section": [1, 1, 2]},
        "bos_token_id": None,
        "eos_token_id": words.eos_token_id,
    }
    vision = {
        "depth": 1,
        "hidden_size": 16,
        "intermediate_size": 16,
        "num_heads": 2,
        "out_hidden_size": WIDTH,
    }
    pipeline = QwenImagePipeline(
        vae=AutoencoderKLQwenImage(
            base_dim=16,
            z_dim=4,
            dim_mult=[1, 2, 2],
            num_res_blocks=1,
            temperal_downsample=[False, True],
            latents_mean=[0.0, 0.1, -0.1, 0.2],
            latents_std=[1.0, 1.1, 0.9, 1.2],
        ),
        tokenizer=words,
        text_encoder=Qwen2_5_VLForConditionalGeneration(
            Qwen2_5_VLConfig(text_config=text, vision_config=vision)
        ),
        transformer=louder(
            QwenImageTransformer2DModel(
                patch_size=2,
                in_channels=16,
                out_channels=4,
                num_layers=2,
                attention_head_dim=16,
                num_attention_heads=2,
                joint_attention_dim=WIDTH,
                axes_dims_rope=(8, 4, 4),
            )
        ),
        scheduler=FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True, shift_terminal=0.02),
    )
    pipeline.save_pretrained(folder)
    return folder
