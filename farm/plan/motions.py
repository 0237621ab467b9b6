"""Motions: pure functions from a frame's index to its point in the spaces of conditioning and noise.

`InterpolateMotion` and `GridMotion` blend prompts, `WalkMotion` and `CircleMotion` move around one prompt, and
`StillsMotion` and `SweepMotion` enumerate independent pictures.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from farm.plan.curves import ease, locate
from farm.plan.seeds import derive
from farm.records import Conditioning, Drift, Noise, Scalar, SchedulerSpec

Mix = Literal["lerp", "slerp"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """The point of a frame, with `alpha` in [0, 1]; `arguments` and `scheduler` only if the motion sets them."""

    alpha: float
    conditioning: Conditioning
    noise: Noise
    arguments: Mapping[str, Scalar] = field(default_factory=dict)
    scheduler: SchedulerSpec | None = None


class Motion(Protocol):
    """A function from a frame's index to its point; its cost does not depend on the number of frames."""

    def at(self, frame: int) -> Point:
        """Return the point of a frame, 0 <= frame < the job's frame count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InterpolateMotion:
    """From prompt to prompt: keyframe k is frame `keyframes[k]`, or with explicit alphas, at alpha k/(K-1)."""

    prompts: tuple[str, ...]
    negative_prompt: str | None
    keyframes: tuple[int, ...]
    alphas: tuple[float, ...] | None
    mix: Mix
    easing: str
    noise_mode: Literal["fixed", "per_frame", "keyframes"]
    seed: int
    keyframe_seeds: tuple[int, ...]

    def at(self, frame: int) -> Point:
        """Return the mixture of the two prompts around the frame."""
        segment, t = self._segment(frame)
        first, second = self.prompts[segment], self.prompts[segment + 1]
        is_same = first == second
        return Point(
            alpha=(segment + t) / (len(self.prompts) - 1),
            conditioning=blend(
                {first: 1.0} if is_same else {first: 1.0 - t, second: t}, self.mix, self.negative_prompt
            ),
            noise=self._noise(frame, segment, t),
        )

    def _segment(self, frame: int) -> tuple[int, float]:
        if self.alphas is None:
            segment, t = locate(self.keyframes, frame)
            return segment, ease(self.easing, t)
        position = self.alphas[frame] * (len(self.prompts) - 1)
        if math.isclose(position, round(position), rel_tol=1e-15):
            position = round(position)  # 15/22 * 22 is not exactly 15
        segment = min(int(position), len(self.prompts) - 2)
        return segment, position - segment

    def _noise(self, frame: int, segment: int, t: float) -> Noise:
        if self.noise_mode != "keyframes":
            return single_or_per_frame(self.seed, self.noise_mode, frame)
        start, end = self.keyframe_seeds[segment], self.keyframe_seeds[segment + 1]
        if start == end or t in (0.0, 1.0):
            return Noise(
                mode="keyframes",
                mix="sum",
                seeds=(start if t < 1.0 else end,),
                weights=(1.0,),
                stream=self.keyframe_seeds[0],
            )
        return Noise(
            mode="keyframes",
            mix="slerp",
            seeds=(start, end),
            weights=(1.0 - t, t),
            stream=self.keyframe_seeds[0],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class GridMotion:
    """Bilinear between four corner prompts: top left, top right, bottom left, bottom right."""

    corners: tuple[str, str, str, str]
    negative_prompt: str | None
    rows: int
    columns: int
    noise_mode: str
    seed: int

    def at(self, frame: int) -> Point:
        """Return the mixture at row frame // columns, column frame % columns."""
        y = (frame // self.columns) / (self.rows - 1)
        x = (frame % self.columns) / (self.columns - 1)
        weights: dict[str, float] = {}
        shares = ((1 - y) * (1 - x), (1 - y) * x, y * (1 - x), y * x)
        for corner, share in zip(self.corners, shares, strict=True):
            weights[corner] = weights.get(corner, 0.0) + share
        return Point(
            alpha=frame / (self.rows * self.columns - 1),
            conditioning=blend(weights, "lerp", self.negative_prompt),
            noise=single_or_per_frame(self.seed, self.noise_mode, frame),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class WalkMotion:
    """A straight line in the space of conditionings, `step_size` per frame (the walk of the Keras tutorial)."""

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
        conditioning = blend({self.prompt: 1.0}, "lerp", self.negative_prompt)
        return Point(
            alpha=frame / max(1, self.frames - 1),
            conditioning=dataclasses.replace(conditioning, drift=drift if drift.distance else None),
            noise=seeded(self.seed),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CircleMotion:
    """One prompt, with its noise on a circle through n(x) and n(y); the loop closes without a repeated frame."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class StillsMotion:
    """Every prompt with every seed, prompt by prompt; without explicit seeds, each frame has its own seed."""

    prompts: tuple[str, ...]
    negative_prompt: str | None
    images_per_prompt: int
    seed: int
    seeds: tuple[int, ...] | None

    def at(self, frame: int) -> Point:
        """Return prompt frame // images_per_prompt with its seed."""
        count = len(self.prompts) * self.images_per_prompt
        prompt = self.prompts[frame // self.images_per_prompt]
        if self.seeds is None:
            noise = single_or_per_frame(self.seed, "per_frame", frame)
        else:
            noise = seeded(self.seeds[frame % self.images_per_prompt], "seeds")
        return Point(
            alpha=frame / max(1, count - 1),
            conditioning=blend({prompt: 1.0}, "lerp", self.negative_prompt),
            noise=noise,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepMotion:
    """One prompt and one noise over the product of listed arguments; the first axis varies slowest."""

    prompt: str
    negative_prompt: str | None
    axes: tuple[tuple[str, tuple[Scalar | SchedulerSpec, ...]], ...]
    seed: int

    def at(self, frame: int) -> Point:
        """Return the frame's combination of arguments."""
        arguments: dict[str, Scalar] = {}
        scheduler, remainder = None, frame
        for name, values in reversed(self.axes):
            remainder, choice = divmod(remainder, len(values))
            value = values[choice]
            if isinstance(value, SchedulerSpec):
                scheduler = value
            else:
                arguments[name] = value
        count = math.prod(len(values) for _, values in self.axes)
        return Point(
            alpha=frame / max(1, count - 1),
            conditioning=blend({self.prompt: 1.0}, "lerp", self.negative_prompt),
            noise=seeded(self.seed),
            arguments=arguments,
            scheduler=scheduler,
        )


def seeded(seed: int, mode: Literal["fixed", "per_frame", "keyframes", "circle", "seeds"] = "fixed") -> Noise:
    """Return the noise of one seed, which is also the stream of the scheduler."""
    return Noise(mode=mode, mix="sum", seeds=(seed,), weights=(1.0,), stream=seed)


def single_or_per_frame(seed: int, mode: str, frame: int) -> Noise:
    """Return n(seed) for `fixed` and n(derive(seed, frame)) for `per_frame`."""
    return seeded(derive(seed, frame), "per_frame") if mode == "per_frame" else seeded(seed)


def blend(prompts: Mapping[str, float], mix: Mix, negative_prompt: str | None) -> Conditioning:
    """Return the mixture of prompts by weight, omitting weights of zero."""
    positive = {prompt: weight for prompt, weight in prompts.items() if weight > 0}
    return Conditioning(
        prompts=tuple(positive), weights=tuple(positive.values()), mix=mix, negative_prompt=negative_prompt
    )
