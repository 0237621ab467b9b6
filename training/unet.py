"""The denoiser: a text-conditioned U-Net over cached latents and cached caption embeddings."""

from __future__ import annotations

import functools
import random
from collections.abc import Sequence
from dataclasses import dataclass, fields

import torch
from diffusers import DDIMScheduler, UNet2DConditionModel
from transformers import CLIPTextModel, CLIPTokenizer

from training.loop import TrainConfig, TrainResult, replica_slice, train
from training.scenes import Scene, all_captions, random_caption

BATCH = 64
CAPTION_DROPOUT = 0.1
"""Share of captions replaced by the empty one, as classifier-free guidance needs (Ho & Salimans 2022)."""
SNR_CAP = 5.0


def new_unet(size: int) -> UNet2DConditionModel:
    """Return an untrained U-Net of 6.3 million parameters for pictures `size` pixels wide."""
    return UNet2DConditionModel(
        sample_size=size // 8,
        in_channels=4,
        out_channels=4,
        layers_per_block=1,
        block_out_channels=(96, 144),
        down_block_types=("CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D"),
        cross_attention_dim=128,
        attention_head_dim=4,
        norm_num_groups=16,
    )


def new_scheduler() -> DDIMScheduler:
    """Return a DDIM scheduler with Stable Diffusion's noise schedule and settings."""
    return DDIMScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        num_train_timesteps=1000,
        clip_sample=False,
        set_alpha_to_one=False,
        steps_offset=1,
        prediction_type="epsilon",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LatentDataset:
    """Latents and text embeddings of all training pictures, computed once."""

    latents: torch.Tensor
    """Scaled latents (picture, 4, h, w), about unit variance."""
    scenes: tuple[Scene, ...]
    embeddings: torch.Tensor
    """Text states (text, token, 128), one for every row of `caption_rows`."""


@functools.cache
def caption_rows() -> dict[str, int]:
    """Return the row of `LatentDataset.embeddings` of every text: all captions, and the empty one last."""
    return {text: row for row, text in enumerate([*all_captions(), ""])}


@torch.no_grad()
def embed_captions(encoder: CLIPTextModel, tokenizer: CLIPTokenizer, texts: Sequence[str]) -> torch.Tensor:
    """Return the text encoder's last hidden states (text, token, 128), padded to the context as in the pipeline."""
    states = []
    for start in range(0, len(texts), 256):
        tokens = tokenizer(
            list(texts[start : start + 256]),
            padding="max_length",
            max_length=tokenizer.model_max_length,
            truncation=True,
            return_tensors="pt",
        )
        states.append(encoder(tokens.input_ids.to(encoder.device))[0].cpu())
    return torch.cat(states)


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Noised latents of some pictures, and the noise to predict."""

    indices: torch.Tensor
    """Of the pictures in the dataset."""
    noisy: torch.Tensor
    times: torch.Tensor
    text: torch.Tensor
    noise: torch.Tensor
    weight: torch.Tensor
    """Of each picture's loss: min-SNR-5 (Hang et al. 2023)."""

    def replica_share(self, device: torch.device) -> Batch:
        """Return the samples of this replica, on its device."""
        own = replica_slice()
        return Batch(**{field.name: getattr(self, field.name)[own].to(device) for field in fields(self)})

    def loss(self, predicted: torch.Tensor) -> torch.Tensor:
        """Return the weighted squared error of the predicted noise."""
        return ((predicted - self.noise).square().mean((1, 2, 3)) * self.weight).mean()


def draw_batch(
    dataset: LatentDataset, size: int, dropout: float, rng: torch.Generator, caption_rng: random.Random
) -> Batch:
    """Draw pictures, times and noise with `rng`, and captions, a share `dropout` of them empty, with `caption_rng`."""
    alphas = new_scheduler().alphas_cumprod
    indices = torch.randint(len(dataset.scenes), (size,), generator=rng)
    clean = dataset.latents[indices]
    noise = torch.randn(clean.shape, generator=rng)
    # One time from each of `size` equal intervals: the same mean as independent draws, with less variance.
    times = ((torch.arange(size) + torch.rand(size, generator=rng)) * 1000 / size).long().clamp(max=999)
    alpha = alphas[times].view(-1, 1, 1, 1)
    ratio = alphas[times] / (1 - alphas[times])
    return Batch(
        indices=indices,
        noisy=alpha.sqrt() * clean + (1 - alpha).sqrt() * noise,
        times=times,
        text=dataset.embeddings[_caption_rows(dataset, indices, dropout, caption_rng)],
        noise=noise,
        weight=ratio.clamp(max=SNR_CAP) / ratio,
    )


def train_unet(
    unet: UNet2DConditionModel, dataset: LatentDataset, config: TrainConfig, device: torch.device
) -> TrainResult:
    """Train to predict the noise, with a share `CAPTION_DROPOUT` of the captions dropped."""
    unet.to(device)

    def loss_at(step: int, rng: torch.Generator) -> torch.Tensor:
        caption_rng = random.Random(f"{config.seed} {step}")
        batch = draw_batch(dataset, BATCH, CAPTION_DROPOUT, rng, caption_rng).replica_share(device)
        return batch.loss(unet(batch.noisy, batch.times, batch.text).sample)

    return train(unet, loss_at, config)


def _caption_rows(
    dataset: LatentDataset, indices: torch.Tensor, dropout: float, caption_rng: random.Random
) -> torch.Tensor:
    texts = [
        "" if caption_rng.random() < dropout else random_caption(dataset.scenes[index], caption_rng).text
        for index in indices.tolist()
    ]
    return torch.tensor([caption_rows()[text] for text in texts])
