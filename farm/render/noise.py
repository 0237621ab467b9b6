"""Noise from seeds, drawn on the CPU where and as diffusers draws it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from farm.records import Noise

_PARALLEL = 0.9995


def generators_of(noises: Sequence[Noise]) -> list[torch.Generator]:
    """Return each frame's generator, from which its pipeline draws: on the CPU, of the seed `stream`."""
    return [torch.Generator("cpu").manual_seed(noise.stream) for noise in noises]


@contextmanager
def mixed_noise(
    noises: Sequence[Noise], generators: Sequence[torch.Generator], denoiser: torch.nn.Module
) -> Iterator[None]:
    """Have the frames' generators give their mixtures until `denoiser` is first called.

    That is what a pipeline starts from: initial latents, and the noise of pictures that go in. What a stochastic
    scheduler draws afterwards comes from the generator alone, as those draws left it.
    """
    mixtures = {
        id(generator): _Mixture(noise)
        for noise, generator in zip(noises, generators, strict=True)
        if noise.seeds != (noise.stream,) or noise.weights != (1.0,)
    }
    if not mixtures:
        yield
        return
    with ExitStack() as drawing:
        drawing.enter_context(_MixedDraws(mixtures))
        hook = denoiser.register_forward_pre_hook(lambda *_: drawing.close())
        try:
            yield
        finally:
            hook.remove()


class _Mixture:
    """One frame's seeds, each with a generator of its own but for `stream`, which the pipeline draws from itself."""

    def __init__(self, noise: Noise) -> None:
        self._noise = noise
        self._others = {
            seed: torch.Generator("cpu").manual_seed(seed) for seed in noise.seeds if seed != noise.stream
        }

    def of(self, drawn: torch.Tensor) -> torch.Tensor:
        """Return the mixture of what `stream` has `drawn`, in float32, and of the like draws of the other seeds."""
        noise = self._noise
        parts = [
            drawn if seed == noise.stream else torch.randn(drawn.shape, generator=self._others[seed])
            for seed in noise.seeds
        ]
        if noise.mix == "slerp":
            return slerp(parts[0], parts[1], noise.weights[1])
        return sum_of(parts, noise.weights)


class _MixedDraws(TorchFunctionMode):  # type: ignore[misc]
    """Stands before torch.randn, through which diffusers draws all of its noise."""

    def __init__(self, mixtures: dict[int, _Mixture]) -> None:
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
        return mixture.of(drawn).to(kwargs.get("dtype"))


def normal(seed: int, shape: Sequence[int]) -> torch.Tensor:
    """Return n(seed) of `shape` in float32."""
    return torch.randn(tuple(shape), generator=torch.Generator("cpu").manual_seed(seed))


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
