"""Stable Diffusion XL: the base with two text encoders, and the refiner with the second alone."""

from __future__ import annotations

from pathlib import Path

import torch
from diffusers import (
    EulerDiscreteScheduler,
    StableDiffusionXLImg2ImgPipeline,
    StableDiffusionXLPipeline,
)
from transformers import CLIPTextModel, CLIPTextModelWithProjection

from tests.checkpoints.autoencoders import vae
from tests.checkpoints.stable_diffusion import BETAS
from tests.checkpoints.text_encoders import WIDTH, clip_encoder
from tests.checkpoints.tokenizers import clip_tokenizer
from tests.checkpoints.unets import unet_xl


def save_stable_diffusion_xl(folder: Path, *, second_width: int = WIDTH) -> Path:
    """16x16 pixels; conditioned on the size, crop and target size of a picture.

    In a single file diffusers distinguishes the text encoders by their widths.
    """
    torch.manual_seed(0)
    first, second = clip_tokenizer(), clip_tokenizer(pad="!")
    pipeline = StableDiffusionXLPipeline(
        vae=vae(scaling_factor=0.13025),
        tokenizer=first,
        tokenizer_2=second,
        text_encoder=clip_encoder(CLIPTextModel, first),
        text_encoder_2=clip_encoder(CLIPTextModelWithProjection, second, width=second_width),
        unet=unet_xl(widths=(WIDTH, second_width)),
        scheduler=_scheduler(),
    )
    pipeline.save_pretrained(folder)
    return folder


def save_refiner(folder: Path) -> Path:
    """Takes the base's latents; conditioned on the size, crop and aesthetic score of a picture."""
    torch.manual_seed(1)
    words = clip_tokenizer(pad="!")
    pipeline = StableDiffusionXLImg2ImgPipeline(
        vae=vae(scaling_factor=0.13025),
        tokenizer=None,
        tokenizer_2=words,
        text_encoder=None,
        text_encoder_2=clip_encoder(CLIPTextModelWithProjection, words),
        unet=unet_xl(widths=(WIDTH,), time_ids=5),
        scheduler=_scheduler(),
        requires_aesthetics_score=True,
        force_zeros_for_empty_prompt=False,
    )
    pipeline.save_pretrained(folder)
    return folder


def _scheduler() -> EulerDiscreteScheduler:
    return EulerDiscreteScheduler(**BETAS, timestep_spacing="leading", steps_offset=1)
