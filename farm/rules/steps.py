"""Limits on the number of steps: `strength`, a scheduler's training steps, and a consistency model's schedule."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from farm.manifest.findings import Finding
from farm.manifest.location import FieldPath
from farm.rules.context import Context, WrittenManifest

_LCM_STEPS = 50
"""LCMScheduler's own original_inference_steps."""


def step_checks(written: WrittenManifest) -> Iterator[Finding]:
    """Yield every strength that leaves too few steps, and every schedule with fewer steps than are taken from it."""
    yield from _schedule(written)
    steps = [step for step in written.values("num_inference_steps") if isinstance(step, int)]
    if not written.traits.starts_from_image or not steps:
        return
    schedule, taken = _schedule_of(written, min(steps), max(steps))
    if taken > schedule:  # reported above
        return
    for path, strength in _strengths(written):
        if isinstance(strength, int | float) and int(schedule * strength) < taken:
            yield Finding(
                path=path,
                found=f"{strength:g} of {schedule} steps leaves {_left(int(schedule * strength))}",
                allowed=f"allowed: at least {_minimum(schedule, taken)} with {schedule} steps",
            )


def _schedule_of(written: WrittenManifest, fewest: int, most: int) -> tuple[int, int]:
    """Return the number of steps that `strength` is a fraction of, and the number that must remain.

    diffusers runs int(num_inference_steps * strength) steps; LCMScheduler applies the fraction to the schedule from
    which it takes its steps.
    """
    if written.traits.sampling != "consistency":
        return fewest, 1
    original = written.argument("original_inference_steps")
    return (original if isinstance(original, int) else _LCM_STEPS), most


def _strengths(written: WrittenManifest) -> Iterator[tuple[FieldPath, Any]]:
    path: FieldPath = ("render", "strength")
    axis, value = written.over.get("strength"), written.argument("strength")
    if isinstance(axis, list):
        yield from ((("animation", "over", "strength", number), each) for number, each in enumerate(axis))
    elif isinstance(value, dict):
        yield from (((*path, frame), each) for frame, each in value.items())
    else:
        yield path, value


def _left(steps: int) -> str:
    return "none" if steps == 0 else str(steps)


def _minimum(schedule: int, taken: int) -> str:
    """Return the minimum strength, in four digits, that leaves `taken` steps in floating-point arithmetic."""
    digits = math.ceil(Fraction(taken, schedule) * 10_000)
    while int(schedule * (digits / 10_000)) < taken:
        digits += 1
    return f"{digits / 10_000:g}"


def _schedule(written: WrittenManifest) -> Iterator[Finding]:
    if "original_inference_steps" not in written.traits.arguments:
        return
    original = written.render.get("original_inference_steps")
    steps = [step for step in written.values("num_inference_steps") if isinstance(step, int)]
    if original is None and steps and max(steps) > _LCM_STEPS and not _sets_schedule(written.model):
        axis = ("animation", "over") if "num_inference_steps" in written.over else ("render",)
        yield Finding(
            path=(*axis, "num_inference_steps"),
            found=f"{max(steps)} steps out of {_LCM_STEPS}",
            allowed=f"allowed: up to {_LCM_STEPS}, or more with render.original_inference_steps",
        )
    if isinstance(original, int) and steps and original < max(steps):
        yield Finding(
            path=("render", "original_inference_steps"),
            found=f"{max(steps)} steps out of {original}",
            allowed=f"allowed: {max(steps)} or more",
        )


def _sets_schedule(model: Mapping[Any, Any]) -> bool:
    match model:
        case {"scheduler": {"config": {"original_inference_steps": _}}}:
            return True
    return False


_DEFAULTS = {"num_train_timesteps": 1000, "original_inference_steps": 50}
"""The defaults of LCMScheduler, equal to those of other schedulers."""


def step_findings(context: Context) -> Iterator[Finding]:
    """Yield a number of steps above a scheduler's training steps, or above an LCMScheduler's schedule.

    A scheduler in the manifest inherits the checkpoint's settings. Flow-matching schedulers have no limit; a latent
    consistency model's schedule is an argument, checked by `step_checks`.
    """
    sampling, steps = context.traits.sampling, int(context.largest("num_inference_steps"))
    if sampling == "flow":
        return
    for name, settings in _schedulers(context):
        limit = "num_train_timesteps"
        if name == "LCMScheduler" and sampling != "consistency":
            limit = min(_DEFAULTS, key=lambda each: _of(settings, each))
        if steps > (allowed := _of(settings, limit)):
            yield Finding(
                path=context.field("num_inference_steps"),
                found=f"{steps} steps out of {allowed} of {name}",
                allowed=f"allowed: up to {allowed}, or more with a larger {limit} in its config",
            )
            return


def _schedulers(context: Context) -> Iterator[tuple[str, Mapping[str, object]]]:
    """Yield the class and settings of every known scheduler that samples frames."""
    model = context.inputs.model
    if model is None:
        return
    own = model.configured.scheduler
    for scheduler in context.over.get("scheduler") or [context.manifest.model.scheduler]:
        if scheduler is not None:
            yield scheduler.class_, {**own, **scheduler.config}
        elif own:
            yield model.configured.scheduler_class, own


def _of(settings: Mapping[str, object], name: str) -> int:
    value = settings.get(name)
    return value if isinstance(value, int) else _DEFAULTS[name]
