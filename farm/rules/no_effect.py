"""Warnings about arguments without effect in combination with the others."""

from __future__ import annotations

from collections.abc import Iterator

from farm.manifest.animation import Interpolate, Walk
from farm.manifest.findings import Finding, describe_value
from farm.manifest.location import FieldPath
from farm.rules.context import Context


def no_effect(field: FieldPath, needed: str) -> Finding:
    """Return a warning that a field has no effect; `needed` is the missing condition."""
    return Finding(path=field, found="has no effect", allowed=f"needed: {needed}")


_NEGATIVE_CONDITIONING = (
    *("negative_original_size", "negative_target_size", "negative_crops_coords_top_left"),
    "negative_aesthetic_score",
)
"""Stable Diffusion XL's conditioning for the negative prompt."""


def no_effect_warnings(context: Context) -> Iterator[Finding]:
    """Yield every argument without effect in combination with the manifest's others."""
    traits, manifest = context.traits, context.manifest
    if "true_cfg_scale" in traits.arguments:
        yield from _true_cfg(context)
    else:
        yield from _unguided(context, above=traits.guided_above)
    yield from _without_eta(context)
    yield from _without_a_pilot(context)
    if isinstance(manifest.animation, Walk) and manifest.animation.step_size == 0:
        yield Finding(
            path=("animation", "step_size"),
            found="found 0, so every frame stays at the prompt",
            allowed="needed: another number, such as 0.005",
        )


def _true_cfg(context: Context) -> Iterator[Finding]:
    """Yield a negative prompt without a true_cfg_scale above 1, Qwen-Image's default, and the reverse."""
    scale, words = context.largest("true_cfg_scale"), context.manifest.render.negative_prompt
    if words and scale <= 1:
        yield no_effect(("render", "negative_prompt"), "a true_cfg_scale above 1")
    if words is None and scale > 1:
        own = "" if context.is_set("true_cfg_scale") else f"{scale:g}, the pipeline's own default, "
        yield Finding(
            path=context.field("true_cfg_scale"),
            found=f"{own}has no effect",
            allowed="needed: a negative_prompt, which may be empty",
        )


def _unguided(context: Context, *, above: int) -> Iterator[Finding]:
    if context.largest("guidance_scale") > above:
        return
    needed = f"a guidance_scale above {above}"
    if context.manifest.render.negative_prompt:
        yield no_effect(("render", "negative_prompt"), needed)
    if context.largest("guidance_rescale") > 0:
        yield no_effect(context.field("guidance_rescale"), needed)
    yield from (
        no_effect(("render", name), needed) for name in _NEGATIVE_CONDITIONING if context.is_set(name)
    )


def _without_eta(context: Context) -> Iterator[Finding]:
    model, written = context.inputs.model, context.manifest.model.scheduler
    if model is None:
        return
    swept = [scheduler.class_ for scheduler in context.over.get("scheduler", ())]
    chosen = written.class_ if written else model.configured.scheduler_class
    names = [name for name in swept or [chosen] if name]
    if context.largest("eta") > 0 and names and not any(model.schedulers[name].takes_eta for name in names):
        needed = f"a scheduler that takes it, such as DDIMScheduler; {names[0]} does not"
        yield no_effect(context.field("eta"), needed)


def _without_a_pilot(context: Context) -> Iterator[Finding]:
    motion = context.manifest.animation
    if isinstance(motion, Interpolate) and motion.alphas and motion.pacing != "uniform":
        yield Finding(
            path=("animation", "pacing"),
            found=f"{describe_value(motion.pacing)} has no effect with explicit alphas",
            allowed="needed: no alphas, so that a pilot chooses them",
        )


_SCORES = ("aesthetic_score", "negative_aesthetic_score")


def configuration_warnings(context: Context) -> Iterator[Finding]:
    """Yield every argument that the checkpoint ignores because of its configuration."""
    model = context.inputs.model
    if model is None:
        return
    own, is_guided = (
        model.configured,
        context.is_set("guidance_scale") and context.largest("guidance_scale") > 0,
    )
    if "true_cfg_scale" in context.traits.arguments and is_guided and own.guidance_embeds is False:
        yield no_effect(
            context.field("guidance_scale"),
            f"a guidance-distilled model (guidance_embeds), which {own.source.pretrained} is not",
        )
    scored = model.refiner or own
    for name in _SCORES if scored.requires_aesthetics_score is False else ():
        if context.is_set(name):
            yield no_effect(
                ("render", name),
                "a model conditioned on aesthetic scores (requires_aesthetics_score), which "
                f"{scored.source.pretrained} is not",
            )
