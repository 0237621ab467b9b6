"""Compiles a manifest into a plan."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from farm.canonical import digest
from farm.manifest import Manifest, to_yaml
from farm.manifest.pipelines import PIPELINES, call_arguments
from farm.manifest.render import IMAGE_ARGUMENTS, PER_CONTROLNET_ARGUMENTS
from farm.plan.curves import KeyframeCurve
from farm.plan.from_manifest import motion_of, scheduler_spec
from farm.plan.layout import grid_of
from farm.plan.motions import SweepMotion
from farm.plan.pictures import canvas_arguments, image_prompt_tracks, picture_tracks
from farm.plan.plan import Plan
from farm.records import DiffusersSpec, MemorySpec, PictureSource, RendererSpec, Scalar

_NOT_IN_CALL = {*IMAGE_ARGUMENTS, "negative_prompt"}
"""Fields that are pictures or part of the conditioning."""


def make_plan(
    manifest: Manifest, renderer: RendererSpec, sources: Mapping[str, PictureSource] | None = None
) -> Plan:
    """Return the plan of a valid manifest for a renderer with located checkpoints.

    `sources` are the input pictures, by their names in the manifest.

    A chunk has one frame if frames differ in an argument that has a single value per call, such as a number with
    keyframes; or if diffusers supports only one picture per call.
    """
    render = manifest.render
    arguments, curves = arguments_of(manifest)
    tracks = picture_tracks(manifest, sources or {})
    image_prompts = image_prompt_tracks(manifest, sources or {})
    motion = motion_of(manifest)
    one_by_one = bool(curves) or isinstance(motion, SweepMotion) or _takes_one_frame(manifest)
    return Plan(
        name=manifest.name,
        description=manifest.description,
        kind=manifest.animation.kind,
        frame_count=manifest.animation.frame_count,
        batch_size=1 if one_by_one else render.batch_size,
        renderer=renderer,
        renderer_digest=renderer_digest(renderer),
        motion=motion,
        syntax=render.prompt_syntax,
        pads_to_longest=render.prompt_syntax == "compel"
        or PIPELINES[manifest.model.pipeline].pads_to_longest,
        scheduler=scheduler_spec(manifest.model.scheduler),
        arguments=arguments | canvas_arguments(manifest, tracks),
        curves=curves,
        pictures=tracks,
        image_prompts=image_prompts,
        outputs=manifest.output.spec(grid_of(motion) if manifest.output.grid else None),
        manifest_text=to_yaml(manifest),
    )


def _takes_one_frame(manifest: Manifest) -> bool:
    """Return whether diffusers 0.42 is only correct for one frame per call.

    It crops around the mask of a single picture, and applies the two negative sizes of XL to the wrong frames of a
    batch.
    """
    render = manifest.render
    return render.padding_mask_crop is not None or (
        render.negative_original_size is not None and render.negative_target_size is not None
    )


def arguments_of(manifest: Manifest) -> tuple[dict[str, Scalar], dict[str, KeyframeCurve]]:
    """Return the arguments shared by all frames, and the curves of arguments that change between frames.

    They are all supported arguments that are not null; lists and pairs are split into `name.0`, `name.1` and so on.
    """
    constants: dict[str, Scalar] = {}
    curves: dict[str, KeyframeCurve] = {}
    for name, value in (*_call_arguments(manifest), *_adapter_scales(manifest)):
        if not isinstance(value, Mapping):
            constants[name] = value
        elif (curve := KeyframeCurve.of(value)).is_constant:
            constants[name] = curve.at(0)
        else:
            curves[name] = curve
    return constants, curves


def _call_arguments(manifest: Manifest) -> Iterator[tuple[str, Any]]:
    model, render = manifest.model, manifest.render
    for name in call_arguments(model.pipeline, has_refiner=model.refiner is not None):
        value = None if name in _NOT_IN_CALL else getattr(render, name)
        if value is None:
            continue
        if name in PER_CONTROLNET_ARGUMENTS and not isinstance(value, tuple):
            value = (value,) * len(model.controlnets)
        if isinstance(value, tuple):
            yield from ((f"{name}.{number}", part) for number, part in enumerate(value))
        else:
            yield name, value


def _adapter_scales(manifest: Manifest) -> Iterator[tuple[str, Any]]:
    model = manifest.model
    yield from ((f"lora_scale.{number}", lora.scale) for number, lora in enumerate(model.loras))
    yield from (
        (f"ip_adapter_scale.{number}", adapter.scale) for number, adapter in enumerate(model.ip_adapters)
    )


def renderer_digest(renderer: RendererSpec) -> str:
    """Return the digest of a renderer's settings that determine pixels; locations and names of weights do not."""
    if not isinstance(renderer, DiffusersSpec):
        return digest({"procedural": renderer})
    refiner = renderer.refiner
    return digest(
        {
            "pipeline": renderer.pipeline,
            "weights": renderer.source.fingerprint,
            "config": renderer.config.fingerprint if renderer.config else None,
            "variant": renderer.variant,
            "torch_dtype": renderer.torch_dtype,
            "refiner": refiner and (refiner.source.fingerprint, refiner.variant),
            "controlnets": [
                (net.source.fingerprint, net.subfolder, net.variant) for net in renderer.controlnets
            ],
            "ip_adapters": [
                (
                    adapter.source.fingerprint,
                    adapter.subfolder,
                    adapter.weight_name,
                    adapter.image_encoder_folder,
                )
                for adapter in renderer.ip_adapters
            ],
            "textual_inversions": [
                (word.source.fingerprint, word.weight_name, word.token)
                for word in renderer.textual_inversions
            ],
            "loras": [(lora.source.fingerprint, lora.weight_name) for lora in renderer.loras],
            "memory": _memory(renderer.memory),
            "determinism": renderer.determinism,
        }
    )


def _memory(memory: MemorySpec) -> dict[str, object]:
    """Return the memory settings that may change the last bits; offloading does not."""
    return {
        "vae_slicing": memory.vae_slicing,
        "vae_tiling": memory.vae_tiling,
        "attention": memory.attention,
    }
