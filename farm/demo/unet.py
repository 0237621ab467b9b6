"""The denoiser: a text-conditioned U-Net over cached latents and cached caption embeddings."""

from __future__ import annotations

import functools
import random
from collections.abc import Sequence
from dataclasses import dataclass, fields

import torch
from diffusers import DDIMScheduler, UNet2DConditionModel
from transformers import CLIPTextModel, CLIPTokenizer

from farm.demo.captions import draw_caption
from farm.demo.loop import Course, Trained, train
from farm.demo.replicas import part
from farm.demo.tokenizer import world_texts
from farm.demo.vocabulary import Scene

BATCH = 64
DROPPED = 0.1
"""Share of captions replaced by the empty one, which guidance leads away from (Ho & Salimans 2022)."""
SNR_CAP = 5.0


def new_unet(size: int) -> UNet2DConditionModel:
    """An untrained U-Net of 6.3 million parameters for pictures `size` pixels wide."""
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
    """Stable Diffusion's own noise schedule and DDIM settings."""
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
class Lessons:
    """All that a step of training needs, computed once."""

    latents: torch.Tensor
    """Scaled latents (picture, 4, h, w), about unit variance."""
    scenes: tuple[Scene, ...]
    embeddings: torch.Tensor
    """Text states (text, token, 128), one for every row of `caption_rows`."""


@functools.cache
def caption_rows() -> dict[str, int]:
    """The row of `Lessons.embeddings` that belongs to a text: every caption of the world, and the empty one last."""
    return {text: row for row, text in enumerate([*world_texts(), ""])}


@torch.no_grad()
def embed_captions(encoder: CLIPTextModel, tokenizer: CLIPTokenizer, texts: Sequence[str]) -> torch.Tensor:
    """The last hidden states of texts padded to the full context, as the pipeline computes them: (text, token, 128)."""
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
    """Noised latents of some pictures, and the noise that a denoiser should find in them."""

    chosen: torch.Tensor
    """The pictures' numbers."""
    noisy: torch.Tensor
    times: torch.Tensor
    text: torch.Tensor
    noise: torch.Tensor
    weight: torch.Tensor
    """Of each picture's error: min-SNR-5 (Hang et al. 2023)."""

    def share(self, device: torch.device) -> Batch:
        """What this replica works on, on its device."""
        mine = part()
        return Batch(**{field.name: getattr(self, field.name)[mine].to(device) for field in fields(self)})

    def loss(self, predicted: torch.Tensor) -> torch.Tensor:
        """The weighted error of the predicted noise."""
        return ((predicted - self.noise).square().mean((1, 2, 3)) * self.weight).mean()


def draw_batch(
    lessons: Lessons, size: int, dropped: float, rng: torch.Generator, speaker: random.Random
) -> Batch:
    """Draw pictures, times and noise with `rng`, and captions, a share of them `dropped`, with `speaker`."""
    alphas = new_scheduler().alphas_cumprod
    chosen = torch.randint(len(lessons.scenes), (size,), generator=rng)
    clean = lessons.latents[chosen]
    noise = torch.randn(clean.shape, generator=rng)
    # One time from each of `size` equal stretches: the same mean as free draws, with less variance.
    times = ((torch.arange(size) + torch.rand(size, generator=rng)) * 1000 / size).long().clamp(max=999)
    alpha = alphas[times].view(-1, 1, 1, 1)
    ratio = alphas[times] / (1 - alphas[times])
    return Batch(
        chosen=chosen,
        noisy=alpha.sqrt() * clean + (1 - alpha).sqrt() * noise,
        times=times,
        text=lessons.embeddings[_caption_rows(lessons, chosen, dropped, speaker)],
        noise=noise,
        weight=ratio.clamp(max=SNR_CAP) / ratio,
    )


def train_unet(unet: UNet2DConditionModel, lessons: Lessons, course: Course, device: torch.device) -> Trained:
    """Train to predict the noise, captions dropped one time in ten."""
    unet.to(device)

    def loss_at(step: int, rng: torch.Generator) -> torch.Tensor:
        speaker = random.Random(f"{course.seed} {step}")
        batch = draw_batch(lessons, BATCH, DROPPED, rng, speaker).share(device)
        return batch.loss(unet(batch.noisy, batch.times, batch.text).sample)

    return train(unet, loss_at, course)


def _caption_rows(
    lessons: Lessons, chosen: torch.Tensor, dropped: float, speaker: random.Random
) -> torch.Tensor:
    texts = [
        "" if speaker.random() < dropped else draw_caption(lessons.scenes[index], speaker).text
        for index in chosen.tolist()
    ]
    return torch.tensor([caption_rows()[text] for text in texts])
