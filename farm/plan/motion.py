"""The kinds of animation: where frame i stands in the spaces of conditioning and noise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from farm.plan.seeds import derive
from farm.records import Conditioning, Noise, Scalar, SchedulerSpec

Mix = Literal["lerp", "slerp"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One frame's place: `alpha` in [0, 1]; `arguments` and `scheduler` only where the motion sets them."""

    alpha: float
    conditioning: Conditioning
    noise: Noise
    arguments: Mapping[str, Scalar] = field(default_factory=dict)
    scheduler: SchedulerSpec | None = None


class Motion(Protocol):
    """A pure function from frame index to Point; its cost does not depend on the number of frames."""

    def at(self, frame: int) -> Point:
        """Return the place of a frame, 0 <= frame < the job's frame count."""


def seeded(seed: int, mode: Literal["fixed", "per_frame", "keyframes", "circle", "seeds"] = "fixed") -> Noise:
    """Return the noise of one seed, which is also the sampler's stream."""
    return Noise(mode=mode, mix="sum", seeds=(seed,), weights=(1.0,), stream=seed)


def single_or_per_frame(seed: int, mode: str, frame: int) -> Noise:
    """Return n(seed) for `fixed` and n(derive(seed, frame)) for `per_frame`."""
    return seeded(derive(seed, frame), "per_frame") if mode == "per_frame" else seeded(seed)


def blend(prompts: Mapping[str, float], mix: Mix, negative_prompt: str | None) -> Conditioning:
    """Return the mixture of prompts by weight; those of weight zero are left out."""
    used = {prompt: weight for prompt, weight in prompts.items() if weight > 0}
    return Conditioning(
        prompts=tuple(used), weights=tuple(used.values()), mix=mix, negative_prompt=negative_prompt
    )
