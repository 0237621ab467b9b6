"""From the animation that a manifest describes to its motion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from farm.manifest import Manifest, animation
from farm.manifest.model import Scheduler
from farm.plan.blends import Grid, Interpolate
from farm.plan.curves import ease, even_keyframes
from farm.plan.motion import Motion
from farm.plan.paths import Circle, Walk
from farm.plan.seeds import derive
from farm.plan.series import Stills, Sweep
from farm.records import Scalar, SchedulerSpec


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
