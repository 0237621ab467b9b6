"""Stable Diffusion with more inputs than a noisy latent: inpainting and depth. Plain: tests.tiny_checkpoints."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from diffusers import (
    DDIMScheduler,
    DiffusionPipeline,
    PNDMScheduler,
    StableDiffusionDepth2ImgPipeline,
    StableDiffusionInpaintPipeline,
    StableDiffusionPipeline,
)
from transformers import CLIPTextModel, DPTConfig, DPTForDepthEstimation
from transformers.models.dpt.image_processing_pil_dpt import DPTImageProcessorPil

from tests.checkpoints.autoencoders import vae
from tests.checkpoints.text_encoders import clip_encoder
from tests.checkpoints.tokenizers import clip_tokenizer
from tests.checkpoints.unets import unet

BETAS: dict[str, Any] = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}
DDIM: dict[str, Any] = BETAS | {"clip_sample": False, "set_alpha_to_one": False, "steps_offset": 1}
UNCHECKED: dict[str, Any] = {
    "safety_checker": None,
    "feature_extractor": None,
    "requires_safety_checker": False,
}


def save_stable_diffusion(folder: Path) -> Path:
    """16x16 pixels, with a word tokenizer of 77 tokens."""
    return _save(StableDiffusionPipeline, folder, **UNCHECKED)


def save_inpainting(folder: Path) -> Path:
    """A UNet of nine channels: the latent, the mask, and the masked picture's latent."""
    return _save(StableDiffusionInpaintPipeline, folder, channels=9, **UNCHECKED)


def save_depth(folder: Path) -> Path:
    """A UNet of five channels, the fifth for depth, with a DPT model that estimates it from 32x32 pixels."""
    torch.manual_seed(1)
    estimator = DPTForDepthEstimation(
        DPTConfig(
            image_size=32,
            patch_size=16,
            hidden_size=16,
            num_hidden_layers=4,
            num_attention_heads=2,
            intermediate_size=32,
            backbone_out_indices=(0, 1, 2, 3),
            neck_hidden_sizes=(8, 8, 8, 8),
            fusion_hidden_size=8,
            # With the usual 0.02 a random model's depths are all close to zero.
            initializer_range=0.2,
        )
    )
    processor = DPTImageProcessorPil(size={"height": 32, "width": 32}, do_pad=False)
    return _save(
        StableDiffusionDepth2ImgPipeline,
        folder,
        channels=5,
        scheduler=PNDMScheduler(**BETAS, skip_prk_steps=True, steps_offset=1),
        depth_estimator=estimator,
        feature_extractor=processor,
    )


def _save(kind: type[DiffusionPipeline], folder: Path, *, channels: int = 4, **parts: Any) -> Path:
    torch.manual_seed(0)
    words = clip_tokenizer()
    pipeline = kind(
        **{"scheduler": DDIMScheduler(**DDIM)} | parts,
        tokenizer=words,
        text_encoder=clip_encoder(CLIPTextModel, words),
        unet=unet(in_channels=channels),
        vae=vae(),
    )
    pipeline.save_pretrained(folder)
    return folder
