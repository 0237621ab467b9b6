"""What a manifest says and nothing listens to: arguments that diffusers takes, and leaves aside beside others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from farm.inputs.checkpoints.info import contents_of, read_settings
from farm.inputs.checkpoints.layout import INDEX
from farm.inputs.checkpoints.schedulers import takes_eta
from farm.manifest import Manifest
from farm.manifest.animation import Interpolate, Walk
from farm.manifest.findings import Finding, describe_value
from farm.manifest.pipelines import PIPELINES
from farm.records import DiffusersSpec, ModelSource
from farm.rules.context import idle, is_asked, most, over, place

_OF_GUIDANCE = (
    *("negative_original_size", "negative_target_size", "negative_crops_coords_top_left"),
    "negative_aesthetic_score",
)
"""What tells Stable Diffusion XL of the picture that guidance leads away from."""


def idle_remarks(manifest: Manifest, own_scheduler: str) -> Iterator[Finding]:
    """Yield every argument that has no effect; `own_scheduler` is the checkpoint's, empty where it is not known."""
    traits = PIPELINES[manifest.model.pipeline]
    if "true_cfg_scale" in traits.arguments:
        yield from _led(manifest)
    else:
        yield from _unguided(manifest, above=traits.guided_above)
    yield from _without_eta(manifest, own_scheduler)
    yield from _without_a_pilot(manifest)
    if isinstance(manifest.animation, Walk) and manifest.animation.step_size == 0:
        yield Finding(
            path=("animation", "step_size"),
            found="found 0, so that no frame leaves the prompt",
            allowed="needed: another number, such as 0.005",
        )


def _led(manifest: Manifest) -> Iterator[Finding]:
    """Yield half of what leads away from a negative prompt; Qwen-Image has a scale above 1 of itself."""
    scale, words = most(manifest, "true_cfg_scale"), manifest.render.negative_prompt
    if words and scale <= 1:
        yield idle(("render", "negative_prompt"), "a true_cfg_scale above 1")
    if words is None and scale > 1:
        own = "" if is_asked(manifest, "true_cfg_scale") else f"{scale:g}, the pipeline's own default, "
        yield Finding(
            path=place(manifest, "true_cfg_scale"),
            found=f"{own}has no effect",
            allowed="needed: a negative_prompt, which may be empty",
        )


def _unguided(manifest: Manifest, *, above: int) -> Iterator[Finding]:
    if most(manifest, "guidance_scale") > above:
        return
    needed = f"a guidance_scale above {above}"
    if manifest.render.negative_prompt:
        yield idle(("render", "negative_prompt"), needed)
    if most(manifest, "guidance_rescale") > 0:
        yield idle(place(manifest, "guidance_rescale"), needed)
    yield from (idle(("render", name), needed) for name in _OF_GUIDANCE if is_asked(manifest, name))


def _without_eta(manifest: Manifest, own_scheduler: str) -> Iterator[Finding]:
    swept = [scheduler.class_ for scheduler in over(manifest).get("scheduler", ())]
    chosen = manifest.model.scheduler.class_ if manifest.model.scheduler else own_scheduler
    names = [name for name in swept or [chosen] if name]
    if most(manifest, "eta") > 0 and names and not any(map(takes_eta, names)):
        yield idle(
            place(manifest, "eta"), f"a scheduler that takes it, such as DDIMScheduler; {names[0]} does not"
        )


def _without_a_pilot(manifest: Manifest) -> Iterator[Finding]:
    motion = manifest.animation
    if isinstance(motion, Interpolate) and motion.alphas and motion.pacing != "uniform":
        yield Finding(
            path=("animation", "pacing"),
            found=f"{describe_value(motion.pacing)} has no effect beside alphas that are listed",
            allowed="needed: no alphas, so that a pilot chooses them",
        )


_SCORES = ("aesthetic_score", "negative_aesthetic_score")


def idle_by_config_remarks(manifest: Manifest, spec: DiffusersSpec) -> Iterator[Finding]:
    """Yield what the checkpoint is not told; nothing of one whose configuration is not on this machine yet."""
    own = spec.config or spec.source
    is_led = "true_cfg_scale" in PIPELINES[spec.pipeline].arguments
    is_told = is_asked(manifest, "guidance_scale") and most(manifest, "guidance_scale") > 0
    if is_led and is_told and _is_off(own, "transformer/config.json", "guidance_embeds"):
        yield idle(
            place(manifest, "guidance_scale"),
            f"a model distilled from guidance (guidance_embeds), which {own.pretrained} is not",
        )
    scored = spec.refiner.source if spec.refiner else own
    if _is_off(scored, INDEX, "requires_aesthetics_score"):
        for name in _SCORES:
            if is_asked(manifest, name):
                yield idle(
                    ("render", name),
                    f"a model told of scores (requires_aesthetics_score), which {scored.pretrained} is not",
                )


def _is_off(source: ModelSource, file: str, setting: str) -> bool:
    """Whether a configuration is there and does not switch a setting on; diffusers has both off unless told."""
    folder = contents_of(source)
    settings: dict[str, Any] | None = read_settings(folder / file) if folder else None
    return settings is not None and not settings.get(setting)
