"""CompVis's latent diffusion, which takes prompts but no embeddings."""

from __future__ import annotations

from pathlib import Path

import torch
from diffusers import DDIMScheduler, LDMTextToImagePipeline, VQModel
from diffusers.pipelines.latent_diffusion.pipeline_latent_diffusion import LDMBertConfig, LDMBertModel

from tests.checkpoints.stable_diffusion import DDIM
from tests.checkpoints.text_encoders import WIDTH
from tests.checkpoints.tokenizers import bert_tokenizer
from tests.checkpoints.unets import unet

_STAGES = 4
"""The pipeline assumes that a latent is an eighth as high and wide as its picture."""


def save_latent_diffusion(folder: Path) -> Path:
    """32x32 pixels."""
    torch.manual_seed(0)
    words = bert_tokenizer()
    vqvae = VQModel(
        block_out_channels=(8,) * _STAGES,
        down_block_types=("DownEncoderBlock2D",) * _STAGES,
        up_block_types=("UpDecoderBlock2D",) * _STAGES,
        latent_channels=4,
        norm_num_groups=4,
        num_vq_embeddings=256,
    )
    # A new codebook is within 1/256 of zero: all pictures would be equal.
    torch.nn.init.normal_(vqvae.quantize.embedding.weight, std=5.0)
    pipeline = LDMTextToImagePipeline(
        vqvae=vqvae,
        bert=LDMBertModel(
            LDMBertConfig(
                vocab_size=len(words),
                d_model=WIDTH,
                encoder_layers=2,
                encoder_ffn_dim=32,
                encoder_attention_heads=2,
                head_dim=8,
                # With the usual 0.02 all texts look the same to a random model of this size.
                init_std=0.3,
            )
        ),
        tokenizer=words,
        unet=unet(sample_size=4),
        scheduler=DDIMScheduler(**DDIM | {"steps_offset": 0}),
    )
    pipeline.save_pretrained(folder)
    return folder
