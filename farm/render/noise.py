"""Initial latents from seeds, drawn on the CPU as diffusers draws them."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from farm.records import Noise

_PARALLEL = 0.9995


def normal(seed: int, shape: Sequence[int]) -> tuple[torch.Tensor, torch.Generator]:
    """Return n(seed) of `shape` in float32, and the generator as that draw left it."""
    generator = torch.Generator("cpu").manual_seed(seed)
    return torch.randn(tuple(shape), generator=generator), generator


def initial_latents(noise: Noise, shape: Sequence[int]) -> tuple[torch.Tensor, torch.Generator]:
    """Return one frame's initial latents, `shape` = [1, channels, height, width], float32, unscaled.

    The generator is that of `noise.stream` after its own draw: what a stochastic scheduler goes on with.
    """
    drawn, generator = normal(noise.stream, shape)
    parts = [drawn if seed == noise.stream else normal(seed, shape)[0] for seed in noise.seeds]
    if len(parts) == 1:
        return parts[0], generator
    if noise.mix == "slerp":
        return slerp(parts[0], parts[1], noise.weights[1]), generator
    return sum_of(parts, noise.weights), generator


def sum_of(parts: Sequence[torch.Tensor], weights: Sequence[float]) -> torch.Tensor:
    """Return the weighted sum; parts of weight zero leave no trace, so one part of weight 1 is returned exact."""
    used = [(part, weight) for part, weight in zip(parts, weights, strict=True) if weight != 0]
    if len(used) == 1 and used[0][1] == 1:
        return used[0][0]
    return torch.stack([part * weight for part, weight in used]).sum(0)


def slerp(start: torch.Tensor, end: torch.Tensor, t: float) -> torch.Tensor:
    """Return the spherical interpolation between two tensors of one shape, t in [0, 1], in float32.

    Shoemake 1985, on the flattened tensors; nearly parallel ones are interpolated linearly.
    """
    dtype = start.dtype
    start, end = start.float(), end.float()
    cosine = torch.nn.functional.cosine_similarity(start.flatten(), end.flatten(), dim=0).double()
    if cosine.abs() > _PARALLEL:
        return torch.lerp(start, end, t).to(dtype)
    angle = torch.arccos(cosine)
    first = torch.sin((1 - t) * angle) / torch.sin(angle)
    second = torch.sin(t * angle) / torch.sin(angle)
    return (start * first.float() + end * second.float()).to(dtype)
