"""A LoRA with which the U-Net draws in four steps: latent consistency distillation (Luo et al. 2023, LCM-LoRA)."""

from __future__ import annotations

import random

import torch
from diffusers import UNet2DConditionModel
from peft import LoraConfig
from torch import nn

from farm.demo.captions import draw_caption
from farm.demo.loop import Course, Trained, train
from farm.demo.unet import Lessons, caption_rows, new_scheduler

BATCH = 32
RANK = 16
"""Of every adapted layer: 1.97 MB in 16 bits."""
GUIDANCE = 5.0
"""The guidance that the student learns to need no more, as the pipeline's `guidance_scale` counts it."""
SOLVER_STEPS = 50
"""Of the teacher's DDIM, `LCMScheduler`'s own `original_inference_steps`: the student's times are among its times."""
HUBER = 0.001
"""Where the pseudo-Huber loss turns from squares to absolute values."""
SCALING, SIGMA = 10.0, 0.5
"""Of time and of data, at the boundary condition: `LCMScheduler`'s defaults."""
LAYERS = (
    *("to_q", "to_k", "to_v", "to_out.0", "proj_in", "proj_out", "ff.net.0.proj", "ff.net.2"),
    *("conv1", "conv2", "conv_shortcut", "downsamplers.0.conv", "upsamplers.0.conv", "time_emb_proj"),
)
"""What LCM-LoRA adapts: all attention, residual, resampling and feed-forward layers."""


def add_adapter(unet: UNet2DConditionModel) -> nn.ParameterList:
    """Put an untrained adapter, which changes nothing yet, into `unet`, and give its weights; all others are frozen."""
    unet.requires_grad_(False)
    unet.add_adapter(LoraConfig(r=RANK, lora_alpha=RANK, target_modules=list(LAYERS)))
    return nn.ParameterList([weight for weight in unet.parameters() if weight.requires_grad])


def train_lcm(unet: UNet2DConditionModel, lessons: Lessons, course: Course, device: torch.device) -> Trained:
    """Train an adapter of `unet`, put in here, to give at every time what it gives one solver step later.

    The teacher is the same U-Net without the adapter, with guidance.
    """
    weights = add_adapter(unet.to(device).eval())
    alphas = new_scheduler().alphas_cumprod.to(device)
    nothing = lessons.embeddings[caption_rows()[""]].expand(BATCH, -1, -1).to(device)

    def loss_at(step: int, rng: torch.Generator) -> torch.Tensor:
        chosen = torch.randint(len(lessons.scenes), (BATCH,), generator=rng)
        clean = lessons.latents[chosen].to(device)
        noise = torch.randn(clean.shape, generator=rng).to(device)
        later, earlier = (times.to(device) for times in solver_times(rng))
        alpha = alphas[later].view(-1, 1, 1, 1)
        noisy = alpha.sqrt() * clean + (1 - alpha).sqrt() * noise
        text = _states(lessons, chosen, random.Random(f"{course.seed} {step}")).to(device)
        with torch.no_grad():
            unet.disable_adapters()
            both = torch.cat([text, nothing])
            named, unnamed = unet(noisy.repeat(2, 1, 1, 1), later.repeat(2), both).sample.chunk(2)
            unet.enable_adapters()
            before = ddim_step(noisy, unnamed + GUIDANCE * (named - unnamed), alphas[later], alphas[earlier])
            target = denoised(before, unet(before, earlier, text).sample, earlier, alphas[earlier])
        found = denoised(noisy, unet(noisy, later, text).sample, later, alphas[later])
        return (((found - target).square() + HUBER**2).sqrt() - HUBER).mean()

    return train(weights, loss_at, course)


def solver_times(rng: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Times of a batch, from every stretch of the solver's evenly, and those one solver step nearer to the picture."""
    stride = 1000 // SOLVER_STEPS
    number = ((torch.arange(BATCH) + torch.rand(BATCH, generator=rng)) * SOLVER_STEPS / BATCH).long()
    later = (number.clamp(max=SOLVER_STEPS - 1) + 1) * stride - 1
    return later, (later - stride).clamp(min=0)


def ddim_step(
    noisy: torch.Tensor, noise: torch.Tensor, alpha: torch.Tensor, alpha_before: torch.Tensor
) -> torch.Tensor:
    """From the noise level of `alpha` to that of `alpha_before`, both (batch,); Song et al. 2020, equation 12."""
    alpha, alpha_before = alpha.view(-1, 1, 1, 1), alpha_before.view(-1, 1, 1, 1)
    clean = (noisy - (1 - alpha).sqrt() * noise) / alpha.sqrt()
    return alpha_before.sqrt() * clean + (1 - alpha_before).sqrt() * noise


def denoised(
    noisy: torch.Tensor, noise: torch.Tensor, times: torch.Tensor, alpha: torch.Tensor
) -> torch.Tensor:
    """The consistency function, as `LCMScheduler` computes it: at time 0 the input itself, later the clean estimate."""
    scaled = (times * SCALING).view(-1, 1, 1, 1)
    alpha = alpha.view(-1, 1, 1, 1)
    clean = (noisy - (1 - alpha).sqrt() * noise) / alpha.sqrt()
    skip = SIGMA**2 / (scaled**2 + SIGMA**2)
    return skip * noisy + scaled / (scaled**2 + SIGMA**2).sqrt() * clean


def _states(lessons: Lessons, chosen: torch.Tensor, speaker: random.Random) -> torch.Tensor:
    texts = [draw_caption(lessons.scenes[index], speaker).text for index in chosen.tolist()]
    return lessons.embeddings[torch.tensor([caption_rows()[text] for text in texts])]
