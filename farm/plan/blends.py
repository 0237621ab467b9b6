"""Motions between prompts: `interpolate` and `grid`."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from farm.plan.curves import ease, locate
from farm.plan.motion import Mix, Point, blend, single_or_per_frame
from farm.records import Noise


@dataclass(frozen=True, slots=True, kw_only=True)
class Interpolate:
    """From prompt to prompt: keyframe k is frame `keyframes[k]`, or stands at alpha k/(K-1) of listed alphas."""

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
        segment, t = self._place(frame)
        first, second = self.prompts[segment], self.prompts[segment + 1]
        same = first == second
        return Point(
            alpha=(segment + t) / (len(self.prompts) - 1),
            conditioning=blend(
                {first: 1.0} if same else {first: 1.0 - t, second: t}, self.mix, self.negative_prompt
            ),
            noise=self._noise(frame, segment, t),
        )

    def _place(self, frame: int) -> tuple[int, float]:
        if self.alphas is None:
            segment, t = locate(self.keyframes, frame)
            return segment, ease(self.easing, t)
        position = self.alphas[frame] * (len(self.prompts) - 1)
        if math.isclose(position, round(position), rel_tol=1e-15):
            position = round(position)  # 15/22 * 22 is no 15, but the prompt is meant
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
class Grid:
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
