"""From the animation that a manifest describes to its motion."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, cast

from farm.manifest import Manifest, animation
from farm.manifest.model import Scheduler
from farm.plan.curves import ease, even_keyframes, locate
from farm.plan.motion import Mix, Motion, Point, blend, seeded, single_or_per_frame
from farm.plan.seeds import derive
from farm.records import Drift, Noise, Scalar, SchedulerSpec


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Stills:
    """Every prompt with every seed, prompt by prompt; without listed seeds each frame has its own."""

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
class Sweep:
    """One prompt and one noise over the product of listed arguments; the first axis varies slowest."""

    prompt: str
    negative_prompt: str | None
    axes: tuple[tuple[str, tuple[Scalar | SchedulerSpec, ...]], ...]
    seed: int

    def at(self, frame: int) -> Point:
        """Return the frame's combination of arguments."""
        arguments: dict[str, Scalar] = {}
        scheduler, rest = None, frame
        for name, values in reversed(self.axes):
            rest, choice = divmod(rest, len(values))
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


def scheduler_spec(scheduler: Scheduler | None) -> SchedulerSpec:
    """Return the scheduler that a manifest names; one of an empty class where it names none."""
    if scheduler is None:
        return SchedulerSpec(class_name="", config={})
    return SchedulerSpec(class_name=scheduler.class_, config=dict(scheduler.config))


def motion_of(manifest: Manifest) -> Motion:
    """Return the motion of a manifest's animation."""
    kind, seed, negative = manifest.animation, manifest.seed, manifest.render.negative_prompt
    match kind:
        case animation.Interpolate():
            return _interpolate(kind, seed, negative)
        case animation.Grid():
            return Grid(
                corners=(kind.prompts[0], kind.prompts[1], kind.prompts[2], kind.prompts[3]),
                negative_prompt=negative,
                rows=kind.rows,
                columns=kind.columns,
                noise_mode=kind.noise.mode,
                seed=seed,
            )
        case animation.Walk():
            return Walk(
                prompt=kind.prompt,
                negative_prompt=negative,
                frames=kind.frames,
                step_size=kind.step_size,
                direction=kind.direction,
                seed=seed,
            )
        case animation.Circle():
            seeds = kind.noise.seeds or (seed, derive(seed, "circle"))
            return Circle(
                prompt=kind.prompt, negative_prompt=negative, frames=kind.frames, seeds=(seeds[0], seeds[1])
            )
        case animation.Stills():
            return Stills(
                prompts=kind.prompts,
                negative_prompt=negative,
                images_per_prompt=kind.num_images_per_prompt,
                seed=seed,
                seeds=kind.seeds,
            )
        case animation.Sweep():
            return Sweep(prompt=kind.prompt, negative_prompt=negative, axes=_axes(kind), seed=seed)


def _interpolate(kind: animation.Interpolate, seed: int, negative_prompt: str | None) -> Interpolate:
    alphas = kind.alphas
    if isinstance(kind.prompts, Mapping):
        keyframes = tuple(sorted(kind.prompts))
        prompts = tuple(kind.prompts[frame] for frame in keyframes)
    else:
        prompts = tuple(kind.prompts)
        keyframes = even_keyframes(kind.frame_count, len(prompts))
        if alphas is None and kind.frame_count < len(prompts):
            # Too few frames to meet every prompt: they are spread over the way instead.
            last = max(1, kind.frame_count - 1)
            alphas = tuple(ease(kind.easing, frame / last) for frame in range(kind.frame_count))
    return Interpolate(
        prompts=prompts,
        negative_prompt=negative_prompt,
        keyframes=keyframes,
        alphas=alphas,
        mix=kind.interpolation,
        easing=kind.easing,
        noise_mode=kind.noise.mode,
        seed=seed,
        keyframe_seeds=kind.noise.seeds or tuple(derive(seed, "keyframe", k) for k in range(len(prompts))),
    )


def _axes(kind: animation.Sweep) -> tuple[tuple[str, tuple[Scalar | SchedulerSpec, ...]], ...]:
    axes = cast(Mapping[str, Sequence[Scalar | Scheduler]], kind.over)
    return tuple(
        (name, tuple(scheduler_spec(value) if isinstance(value, Scheduler) else value for value in values))
        for name, values in axes.items()
    )
