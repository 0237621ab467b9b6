"""What a manifest says and nothing listens to: arguments that diffusers takes, and leaves aside beside others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from farm.manifest import Manifest
from farm.manifest.pipelines import PIPELINES
from farm.manifest.reading.findings import Finding
from farm.manifest.reading.places import Path as Field
from farm.render.checkpoints.scheduler_code import takes_eta

_GUIDED_ABOVE_1 = ("StableDiffusion3Pipeline", "PixArtSigmaPipeline", "SanaPipeline")
"""Transformers that are guided as UNets are; the others have their own ways."""


def idle_remarks(manifest: Manifest, own_scheduler: str) -> Iterator[Finding]:
    """Yield every argument that has no effect; `own_scheduler` is the checkpoint's, empty where it is not known."""
    pipeline = manifest.model.pipeline
    if pipeline == "FluxPipeline":
        yield from _flux(manifest)
    elif pipeline in _GUIDED_ABOVE_1 or _has_guided_unet(pipeline):
        yield from _unguided(manifest)
    yield from _without_eta(manifest, own_scheduler)


def _has_guided_unet(pipeline: str) -> bool:
    traits = PIPELINES[pipeline]
    return traits.net == "unet" and traits.sampling == "diffusion" and traits.weighs_words


def _flux(manifest: Manifest) -> Iterator[Finding]:
    is_led, words = _most(manifest, "true_cfg_scale") > 1, manifest.render.negative_prompt
    if words and not is_led:
        yield _idle(("render", "negative_prompt"), "a true_cfg_scale above 1")
    if is_led and words is None:
        yield _idle(_place(manifest, "true_cfg_scale"), "a negative_prompt, which may be empty")


def _unguided(manifest: Manifest) -> Iterator[Finding]:
    if _most(manifest, "guidance_scale") > 1:
        return
    if manifest.render.negative_prompt:
        yield _idle(("render", "negative_prompt"), "a guidance_scale above 1")
    if _most(manifest, "guidance_rescale") > 0:
        yield _idle(_place(manifest, "guidance_rescale"), "a guidance_scale above 1")


def _without_eta(manifest: Manifest, own_scheduler: str) -> Iterator[Finding]:
    swept = [scheduler.class_ for scheduler in _over(manifest).get("scheduler", ())]
    chosen = manifest.model.scheduler.class_ if manifest.model.scheduler else own_scheduler
    names = [name for name in swept or [chosen] if name]
    if _most(manifest, "eta") > 0 and names and not any(map(takes_eta, names)):
        yield _idle(
            _place(manifest, "eta"), f"a scheduler that takes it, such as DDIMScheduler; {names[0]} does not"
        )


def _idle(field: Field, needed: str) -> Finding:
    return Finding(path=field, found="has no effect", allowed=f"needed: {needed}")


def _most(manifest: Manifest, name: str) -> float:
    values: Any = _over(manifest).get(name) or getattr(manifest.render, name)
    if isinstance(values, Mapping):
        values = tuple(values.values())
    return float(max(values)) if isinstance(values, tuple) else float(values or 0.0)


def _place(manifest: Manifest, name: str) -> Field:
    return ("animation", "over", name) if name in _over(manifest) else ("render", name)


def _over(manifest: Manifest) -> Mapping[str, Any]:
    return getattr(manifest.animation, "over", {})
