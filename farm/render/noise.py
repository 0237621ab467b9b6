"""Noise from seeds, drawn on the CPU exactly as diffusers draws it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from farm.records import Noise

_PARALLEL = 0.9995
"""Cosine beyond which tensors are interpolated linearly."""


def make_generators(noises: Sequence[Noise]) -> list[torch.Generator]:
    """Return the CPU generators that the pipeline draws from, one per frame, seeded with its noise's `stream`."""
    return [torch.Generator("cpu").manual_seed(noise.stream) for noise in noises]


@contextmanager
def mixed_noise(
    noises: Sequence[Noise], generators: Sequence[torch.Generator], denoiser: torch.nn.Module
) -> Iterator[None]:
    """Make draws from the frames' generators return mixtures of noise until `denoiser` is first called.

    A pipeline starts from those draws: initial latents, and noise on input images. A stochastic scheduler's later draws
    come from the generator alone, in the state that those draws left.
    """
    mixtures = {
        id(generator): _NoiseMixture(noise)
        for noise, generator in zip(noises, generators, strict=True)
        if noise.seeds != (noise.stream,) or noise.weights != (1.0,)
    }
    if not mixtures:
        yield
        return
    with ExitStack() as first_draws:
        first_draws.enter_context(_MixedDraws(mixtures))
        hook = denoiser.register_forward_pre_hook(lambda *_: first_draws.close())
        try:
            yield
        finally:
            hook.remove()


class _NoiseMixture:
    """One frame's seeds, each with its own generator except `stream`, from which the pipeline draws."""

    def __init__(self, noise: Noise) -> None:
        self._noise = noise
        self._others = {
            seed: torch.Generator("cpu").manual_seed(seed) for seed in noise.seeds if seed != noise.stream
        }

    def mix(self, drawn: torch.Tensor) -> torch.Tensor:
        """Return the mixture of `drawn`, from `stream`, with equal draws from the other seeds, in float32."""
        noise = self._noise
        parts = [
            drawn if seed == noise.stream else torch.randn(drawn.shape, generator=self._others[seed])
            for seed in noise.seeds
        ]
        if noise.mix == "slerp":
            return slerp(parts[0], parts[1], noise.weights[1])
        return weighted_sum(parts, noise.weights)


class _MixedDraws(TorchFunctionMode):  # type: ignore[misc]
    """Intercepts torch.randn, with which diffusers draws all of its noise."""

    def __init__(self, mixtures: dict[int, _NoiseMixture]) -> None:
        super().__init__()
        self._mixtures = mixtures

    def __torch_function__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        mixture = self._mixtures.get(id(kwargs.get("generator"))) if func is torch.randn else None
        if mixture is None:
            return func(*args, **kwargs)
        drawn = func(*args, **{**kwargs, "dtype": torch.float32})
        return mixture.mix(drawn).to(kwargs.get("dtype"))


def normal(seed: int, shape: Sequence[int]) -> torch.Tensor:
    """Return standard normal noise of a seed, of `shape`, in float32."""
    return torch.randn(tuple(shape), generator=torch.Generator("cpu").manual_seed(seed))


def weighted_sum(parts: Sequence[torch.Tensor], weights: Sequence[float]) -> torch.Tensor:
    """Return the weighted sum; parts of weight 0 are skipped, so that a single one of weight 1 is returned exactly."""
    used = [(part, weight) for part, weight in zip(parts, weights, strict=True) if weight != 0]
    if len(used) == 1 and used[0][1] == 1:
        return used[0][0]
    return torch.stack([part * weight for part, weight in used]).sum(0)


def slerp(start: torch.Tensor, end: torch.Tensor, t: float) -> torch.Tensor:
    """Return the spherical interpolation of two tensors of one shape (Shoemake 1985), for t in [0, 1].

    Computed in float32 on the flattened tensors; nearly parallel ones are interpolated linearly.
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
