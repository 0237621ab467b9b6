"""A frame between two prompts equals a loop over the pipeline's own components with encodings mixed by hand."""

import diffusers
import numpy as np
import pytest
import torch

from farm.records import Drift
from farm.render import open_renderer
from tests.checkpoints.latent_diffusion import save_latent_diffusion
from tests.render.frames import chunk_of, frame_of, noise_of, spec_of

FIRST, SECOND, SHARE = "a red star", "a blue heart on a green hill", 0.3
STEPS, GUIDANCE, SEED = 4, 5.0, 42


def mixed_frame(**more):
    prompts = {FIRST: 1 - SHARE, SECOND: SHARE}
    settings = {"num_inference_steps": STEPS, "guidance_scale": GUIDANCE}
    return frame_of(0, prompts, noise=noise_of(SEED), negative_prompt=None, **settings, **more)


def pixels(decoded):
    picture = (decoded / 2 + 0.5).clamp(0, 1).permute(0, 2, 3, 1).numpy()[0]
    return (picture * 255).round().astype("uint8")


@torch.no_grad()
def denoised(unet, scheduler, latents, context):
    """Classifier-free guidance over [unconditional, conditional] contexts."""
    scheduler.set_timesteps(STEPS)
    for t in scheduler.timesteps:
        scaled = scheduler.scale_model_input(torch.cat([latents] * 2), t)
        without, towards = unet(scaled, t, encoder_hidden_states=context).sample.chunk(2)
        latents = scheduler.step(without + GUIDANCE * (towards - without), t, latents).prev_sample
    return latents


def lerp(first, second):
    return (1 - SHARE) * first + SHARE * second


def slerp(first, second):
    """Shoemake's, on all tokens together."""
    cosine = (first * second).sum() / (first.norm() * second.norm())
    angle = torch.acos(cosine)
    return (first * torch.sin((1 - SHARE) * angle) + second * torch.sin(SHARE * angle)) / torch.sin(angle)


@pytest.mark.parametrize("mix", [lerp, slerp])
@torch.no_grad()
def test_stable_diffusion(tiny_sd, mix):
    torch.set_num_threads(1)
    ours = open_renderer(spec_of(tiny_sd)).render(chunk_of(mixed_frame(mix=mix.__name__)))[0]
    parts = diffusers.StableDiffusionPipeline.from_pretrained(tiny_sd)

    def encoded(prompt):
        tokens = parts.tokenizer(
            prompt,
            padding="max_length",
            max_length=parts.tokenizer.model_max_length,
            truncation=True,
            return_tensors="pt",
        )
        return parts.text_encoder(tokens.input_ids)[0]

    context = torch.cat([encoded(""), mix(encoded(FIRST), encoded(SECOND))])
    side = parts.unet.config.sample_size
    latents = torch.randn((1, 4, side, side), generator=torch.Generator("cpu").manual_seed(SEED))
    latents = denoised(parts.unet, parts.scheduler, latents * parts.scheduler.init_noise_sigma, context)
    theirs = pixels(parts.vae.decode(latents / parts.vae.config.scaling_factor).sample)
    assert np.array_equal(ours, theirs)


def walked(first, second):
    """Half a step from the first prompt in the direction of seed 1."""
    direction = torch.randn(first.shape[1:], generator=torch.Generator("cpu").manual_seed(1))
    return first + 0.5 * direction / direction.square().mean().sqrt()


def walking_frame(**more):
    drift = Drift(direction="random", distance=0.5, seed=1)
    settings = {"num_inference_steps": STEPS, "guidance_scale": GUIDANCE, "drift": drift}
    return frame_of(0, {FIRST: 1.0}, noise=noise_of(SEED), negative_prompt=None, **settings, **more)


@pytest.mark.parametrize(("mix", "frame"), [(lerp, mixed_frame), (walked, walking_frame)])
@torch.no_grad()
def test_latent_diffusion(tmp_path, mix, frame):
    torch.set_num_threads(1)
    folder, side = save_latent_diffusion(tmp_path / "ldm"), 32
    renderer = open_renderer(spec_of(folder, pipeline="LDMTextToImagePipeline"))
    ours = renderer.render(chunk_of(frame(height=side, width=side)))[0]
    parts = diffusers.LDMTextToImagePipeline.from_pretrained(folder)

    def encoded(prompt):
        tokens = parts.tokenizer(
            prompt, padding="max_length", max_length=77, truncation=True, return_tensors="pt"
        )
        return parts.bert(tokens.input_ids)[0]

    context = torch.cat([encoded([""]), mix(encoded([FIRST]), encoded([SECOND]))])
    shape = (1, parts.unet.config.in_channels, side // 8, side // 8)
    latents = torch.randn(shape, generator=torch.Generator("cpu").manual_seed(SEED))
    latents = denoised(parts.unet, parts.scheduler, latents, context)
    theirs = pixels(parts.vqvae.decode(1 / parts.vqvae.config.scaling_factor * latents).sample)
    assert np.array_equal(ours, theirs)
