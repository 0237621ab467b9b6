"""Noise comes from a frame's own generators, or the picture is no function of its recipe."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from farm.errors import RenderError


@contextmanager
def no_global_noise(device: torch.device, sampler: str) -> Iterator[None]:
    """Refuse what was computed inside if it drew from torch's global generators; `sampler` is who is to blame.

    Raises:
        RenderError: at the end, when one of the generators of the CPU or of `device` has moved.
    """
    before = _states(device)
    yield
    if not all(map(torch.equal, before, _states(device))):
        raise RenderError(
            f"{sampler}: drew noise from torch's global generator and not from the frame's own, so that the picture is "
            "no function of its recipe and could never be rendered again. Choose another model.scheduler; "
            "EulerAncestralDiscreteScheduler and DPMSolverMultistepScheduler with algorithm_type sde-dpmsolver++ "
            "are stochastic and exact."
        )


def _states(device: torch.device) -> list[torch.Tensor]:
    """Return the generators' states, which lie in the CPU's memory: a GPU is not waited for."""
    states = [torch.get_rng_state()]
    return [*states, torch.cuda.get_rng_state(device)] if device.type == "cuda" else states
