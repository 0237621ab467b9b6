"""The one conversion from what a user wrote to what will be rendered: Manifest -> Plan."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import cast

from farm.canonical import digest
from farm.manifest import Manifest, motions, pictures, to_yaml
from farm.manifest.model import Scheduler
from farm.plan.blends import Grid, Interpolate
from farm.plan.curves import Curve, ease, even_keyframes
from farm.plan.motion import Motion
from farm.plan.paths import Circle, Walk
from farm.plan.plan import Plan
from farm.plan.seeds import derive
from farm.plan.series import Stills, Sweep
from farm.records import DiffusersSpec, GridSpec, RendererSpec, Scalar, SchedulerSpec

_KEYFRAMED = ("guidance_scale", "eta", "guidance_rescale")


def make_plan(manifest: Manifest, renderer: RendererSpec) -> Plan:
    """Return the plan of a valid manifest on a renderer whose checkpoint was found.

    Chunks hold one frame where an argument varies from frame to frame, since a pipeline call takes one scalar.
    """
    render = manifest.render
    curves = {name: Curve.of(getattr(render, name)) for name in _KEYFRAMED}
    curves |= {f"lora_scale.{k}": Curve.of(lora.scale) for k, lora in enumerate(manifest.model.loras)}
    moving = {name: curve for name, curve in curves.items() if not curve.constant}
    arguments: dict[str, Scalar] = {
        "num_inference_steps": render.num_inference_steps,
        "height": render.height,
        "width": render.width,
        "clip_skip": render.clip_skip,
        **{name: curve.at(0) for name, curve in curves.items() if curve.constant},
    }
    motion = _motion(manifest)
    one_by_one = bool(moving) or isinstance(motion, Sweep)
    return Plan(
        name=manifest.name,
        kind=manifest.animation.kind,
        frame_count=manifest.animation.frame_count,
        batch_size=1 if one_by_one else render.batch_size,
        renderer=renderer,
        renderer_digest=_renderer_digest(renderer),
        motion=motion,
        scheduler=_scheduler(manifest.model.scheduler),
        arguments=arguments,
        curves=moving,
        outputs=manifest.output.spec(_grid(motion)),
        manifest_text=to_yaml(manifest),
    )


def _renderer_digest(renderer: RendererSpec) -> str:
    """Digest what of the renderer determines pixels; not where the checkpoint lies or how it is called."""
    if not isinstance(renderer, DiffusersSpec):
        return digest({"procedural": renderer})
    return digest(
        {
            "pipeline": renderer.pipeline,
            "weights": renderer.source.fingerprint,
            "variant": renderer.variant,
            "torch_dtype": renderer.torch_dtype,
            "loras": [(lora.source.fingerprint, lora.weight_name) for lora in renderer.loras],
            "determinism": renderer.determinism,
        }
    )


def _scheduler(scheduler: Scheduler | None) -> SchedulerSpec:
    if scheduler is None:
        return SchedulerSpec(class_name="", config={})
    return SchedulerSpec(class_name=scheduler.class_, config=dict(scheduler.config))


def _motion(manifest: Manifest) -> Motion:
    kind, seed, negative = manifest.animation, manifest.seed, manifest.render.negative_prompt
    match kind:
        case motions.Interpolate():
            return _interpolate(kind, seed, negative)
        case motions.Grid():
            return Grid(
                corners=(kind.prompts[0], kind.prompts[1], kind.prompts[2], kind.prompts[3]),
                negative_prompt=negative,
                rows=kind.rows,
                columns=kind.columns,
                noise_mode=kind.noise.mode,
                seed=seed,
            )
        case motions.Walk():
            return Walk(
                prompt=kind.prompt,
                negative_prompt=negative,
                frames=kind.frames,
                step_size=kind.step_size,
                direction=kind.direction,
                seed=seed,
            )
        case motions.Circle():
            seeds = kind.noise.seeds or (seed, derive(seed, "circle"))
            return Circle(
                prompt=kind.prompt, negative_prompt=negative, frames=kind.frames, seeds=(seeds[0], seeds[1])
            )
        case pictures.Stills():
            return Stills(
                prompts=kind.prompts,
                negative_prompt=negative,
                images_per_prompt=kind.num_images_per_prompt,
                seed=seed,
                seeds=kind.seeds,
            )
        case pictures.Sweep():
            return Sweep(prompt=kind.prompt, negative_prompt=negative, axes=_axes(kind), seed=seed)


def _interpolate(kind: motions.Interpolate, seed: int, negative_prompt: str) -> Interpolate:
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


def _axes(kind: pictures.Sweep) -> tuple[tuple[str, tuple[Scalar | SchedulerSpec, ...]], ...]:
    axes = cast(Mapping[str, Sequence[Scalar | Scheduler]], kind.over)
    return tuple(
        (name, tuple(_scheduler(value) if isinstance(value, Scheduler) else value for value in values))
        for name, values in axes.items()
    )


def _grid(motion: Motion) -> GridSpec | None:
    """Lay out `grid.png`: a grid as it is; a sweep with its last axis across and the others down."""
    if isinstance(motion, Grid):
        return GridSpec(rows=motion.rows, columns=motion.columns, row_labels=(), column_labels=(), title="")
    if not isinstance(motion, Sweep):
        return None
    *down, across = [[_label(name, value, values) for value in values] for name, values in motion.axes]
    row_labels = _product(down)
    return GridSpec(
        rows=math.prod(len(labels) for labels in down),
        columns=len(across),
        row_labels=row_labels if down else (),
        column_labels=tuple(across),
        title=motion.prompt,
    )


def _label(name: str, value: Scalar | SchedulerSpec, values: Sequence[Scalar | SchedulerSpec]) -> str:
    """Name one value of an axis; schedulers of one class are told apart by their configuration."""
    if isinstance(value, SchedulerSpec):
        alike = [other for other in values if getattr(other, "class_name", "") == value.class_name]
        config = [f"{key} {setting}" for key, setting in value.config.items()] if len(alike) > 1 else []
        return ", ".join([value.class_name.removesuffix("Scheduler"), *config])
    return f"{name} {value:g}" if isinstance(value, (int, float)) else f"{name} {value}"


def _product(axes: list[list[str]]) -> tuple[str, ...]:
    combined = [""]
    for labels in axes:
        combined = [f"{left}, {label}" if left else label for left in combined for label in labels]
    return tuple(combined)
