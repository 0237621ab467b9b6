"""Motions around one prompt: `walk` and `circle`."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Literal

from farm.plan.motion import Point, blend, seeded
from farm.plan.seeds import derive
from farm.records import Drift, Noise


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """Straight on through the space of conditionings, `step_size` in each frame (the Keras tutorial's walk)."""

    prompt: str
    negative_prompt: str | None
    frames: int
    step_size: float
    direction: Literal["ones", "random"]
    seed: int

    def at(self, frame: int) -> Point:
        """Return the prompt's conditioning moved by frame * step_size."""
        drift = Drift(
            direction=self.direction,
            distance=frame * self.step_size,
            seed=derive(self.seed, "direction") if self.direction == "random" else 0,
        )
        still = blend({self.prompt: 1.0}, "lerp", self.negative_prompt)
        return Point(
            alpha=frame / max(1, self.frames - 1),
            conditioning=dataclasses.replace(still, drift=drift if drift.distance else None),
            noise=seeded(self.seed),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Circle:
    """One prompt, its noise on a circle through n(x) and n(y): the loop closes without a repeated frame."""

    prompt: str
    negative_prompt: str | None
    frames: int
    seeds: tuple[int, int]

    def at(self, frame: int) -> Point:
        """Return the noise cos(t) n(x) + sin(t) n(y) with t = 2 pi frame / frames; frame 0 is n(x) itself."""
        turn = 2 * math.pi * frame / self.frames
        noise = Noise(
            mode="circle",
            mix="sum",
            seeds=self.seeds,
            weights=(math.cos(turn), math.sin(turn)),
            stream=self.seeds[0],
        )
        return Point(
            alpha=frame / self.frames,
            conditioning=blend({self.prompt: 1.0}, "lerp", self.negative_prompt),
            noise=noise,
        )
