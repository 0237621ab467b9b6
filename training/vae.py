"""The variational autoencoder: pictures to latents an eighth as wide, and back."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL
from PIL import Image

from training.dataset import Drawings
from training.loop import TrainConfig, TrainResult, train

BATCH = 8


def new_vae(size: int) -> AutoencoderKL:
    """Return an untrained autoencoder of about a million parameters: 4 latent channels, an eighth of the width."""
    return AutoencoderKL(
        sample_size=size,
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        block_out_channels=(16, 32, 64, 64),
        layers_per_block=1,
        norm_num_groups=8,
        latent_channels=4,
        scaling_factor=1.0,
    )


def train_vae(
    vae: AutoencoderKL, drawn: Drawings, config: TrainConfig, device: torch.device, edges: float = 0.0
) -> TrainResult:
    """Train on drawn pictures: L1 + 0.5 MSE + 1e-6 KL (Rombach et al. 2022, appendix G, without the discriminator).

    `edges` is the weight of one more term, the L1 error of the differences of neighbouring pixels: most of a picture
    is flat, so without this term soft edges cost little.
    """
    vae.to(device, memory_format=torch.channels_last)

    def loss_at(step: int, rng: torch.Generator) -> torch.Tensor:
        indices = torch.randint(len(drawn.scenes), (BATCH,), generator=rng)
        pixels = drawn.batch(indices).to(device, memory_format=torch.channels_last)
        posterior = vae.encode(pixels).latent_dist
        noise = torch.randn(posterior.mean.shape, generator=rng).to(device)
        error = vae.decode(posterior.mean + posterior.std * noise).sample - pixels
        loss = error.abs().mean() + 0.5 * error.square().mean() + 1e-6 * posterior.kl().mean()
        if edges:
            loss = loss + edges * (error.diff(dim=2).abs().mean() + error.diff(dim=3).abs().mean())
        return loss

    return train(vae, loss_at, config)


@torch.no_grad()
def encode_all(vae: AutoencoderKL, drawn: Drawings, device: torch.device) -> torch.Tensor:
    """Return the means of the latents of all pictures, unscaled: float32 (picture, 4, H/8, W/8) on the CPU."""
    vae.to(device).eval()
    parts = []
    for start in range(0, len(drawn.scenes), 64):
        indices = torch.arange(start, min(start + 64, len(drawn.scenes)))
        parts.append(vae.encode(drawn.batch(indices).to(device)).latent_dist.mean.cpu())
    return torch.cat(parts)


@torch.no_grad()
def reconstruction_psnr(vae: AutoencoderKL, drawn: Drawings, device: torch.device) -> float:
    """Return the peak signal-to-noise ratio over all pictures, in dB."""
    vae.to(device).eval()
    squares = []
    for start in range(0, len(drawn.scenes), 64):
        pixels = drawn.batch(torch.arange(start, min(start + 64, len(drawn.scenes)))).to(device)
        decoded = vae.decode(vae.encode(pixels).latent_dist.mean).sample.clamp(-1, 1)
        squares.append(F.mse_loss(decoded / 2, pixels / 2, reduction="none").mean((1, 2, 3)))
    return float(-10 * torch.log10(torch.cat(squares).mean()))


@torch.no_grad()
def through_autoencoder(vae: AutoencoderKL, pictures: Sequence[Image.Image]) -> list[Image.Image]:
    """Encode and decode pictures: the best result that any picture generated as latents can reach."""
    pixels = torch.from_numpy(np.stack([np.asarray(picture) for picture in pictures]))
    scaled = pixels.permute(0, 3, 1, 2).float().div(127.5).sub(1)
    decoded = vae.decode(vae.encode(scaled).latent_dist.mean).sample.clamp(-1, 1)
    restored = decoded.add(1).mul(127.5).round().byte().permute(0, 2, 3, 1).numpy()
    return [Image.fromarray(picture) for picture in restored]
