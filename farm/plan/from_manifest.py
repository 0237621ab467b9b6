"""Converts the animation of a manifest to a motion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from farm.manifest import Manifest, animation
from farm.manifest.model import Scheduler
from farm.plan.curves import ease, even_keyframes
from farm.plan.motions import (
    CircleMotion,
    GridMotion,
    InterpolateMotion,
    Motion,
    StillsMotion,
    SweepMotion,
    WalkMotion,
)
from farm.plan.seeds import derive
from farm.records import Scalar, SchedulerSpec


def scheduler_spec(scheduler: Scheduler | None) -> SchedulerSpec:
    """Return the scheduler of a manifest; its class is empty if the manifest names none."""
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
            return GridMotion(
                corners=(kind.prompts[0], kind.prompts[1], kind.prompts[2], kind.prompts[3]),
                negative_prompt=negative,
                rows=kind.rows,
                columns=kind.columns,
                noise_mode=kind.noise.mode,
                seed=seed,
            )
        case animation.Walk():
            return WalkMotion(
                prompt=kind.prompt,
                negative_prompt=negative,
                frames=kind.frames,
                step_size=kind.step_size,
                direction=kind.direction,
                seed=seed,
            )
        case animation.Circle():
            seeds = kind.noise.seeds or (seed, derive(seed, "circle"))
            return CircleMotion(
                prompt=kind.prompt, negative_prompt=negative, frames=kind.frames, seeds=(seeds[0], seeds[1])
            )
        case animation.Stills():
            return StillsMotion(
                prompts=kind.prompts,
                negative_prompt=negative,
                images_per_prompt=kind.num_images_per_prompt,
                seed=seed,
                seeds=kind.seeds,
            )
        case animation.Sweep():
            return SweepMotion(prompt=kind.prompt, negative_prompt=negative, axes=_axes(kind), seed=seed)


def _interpolate(kind: animation.Interpolate, seed: int, negative_prompt: str | None) -> InterpolateMotion:
    alphas = kind.alphas
    if isinstance(kind.prompts, Mapping):
        keyframes = tuple(sorted(kind.prompts))
        prompts = tuple(kind.prompts[frame] for frame in keyframes)
    else:
        prompts = tuple(kind.prompts)
        keyframes = even_keyframes(kind.frame_count, len(prompts))
        if alphas is None and kind.frame_count < len(prompts):
            # With too few frames for one per prompt, spread them over the interpolation.
            last = max(1, kind.frame_count - 1)
            alphas = tuple(ease(kind.easing, frame / last) for frame in range(kind.frame_count))
    return InterpolateMotion(
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
