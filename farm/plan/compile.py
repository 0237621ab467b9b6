"""The one conversion from what a user wrote to what will be rendered: Manifest -> Plan."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from farm.canonical import digest
from farm.manifest import Manifest, to_yaml
from farm.manifest.pipelines import PIPELINES, call_arguments
from farm.manifest.render import IMAGE_ARGUMENTS, PER_CONTROLNET_ARGUMENTS
from farm.plan.curves import Curve
from farm.plan.from_manifest import Sweep, motion_of, scheduler_spec
from farm.plan.layout import grid_of
from farm.plan.pictures import canvas_arguments, image_prompt_tracks, picture_tracks
from farm.plan.plan import Plan
from farm.records import DiffusersSpec, MemorySpec, PictureSource, RendererSpec, Scalar

_NOT_OF_CALL = {*IMAGE_ARGUMENTS, "negative_prompt"}
"""These are pictures, or part of the conditioning."""


def arguments_of(manifest: Manifest) -> tuple[dict[str, Scalar], dict[str, Curve]]:
    """Return the arguments that every frame shares, and the curves of those that move.

    Only what the pipeline takes and what is not null; of lists and pairs the parts, `name.0`, `name.1` and so on.
    """
    still: dict[str, Scalar] = {}
    moving: dict[str, Curve] = {}
    for name, value in (*_of_call(manifest), *_of_adapters(manifest)):
        if not isinstance(value, Mapping):
            still[name] = value
        elif (curve := Curve.of(value)).constant:
            still[name] = curve.at(0)
        else:
            moving[name] = curve
    return still, moving


def _of_call(manifest: Manifest) -> Iterator[tuple[str, Any]]:
    model, render = manifest.model, manifest.render
    for name in call_arguments(model.pipeline, has_refiner=model.refiner is not None):
        value = None if name in _NOT_OF_CALL else getattr(render, name)
        if value is None:
            continue
        if name in PER_CONTROLNET_ARGUMENTS and not isinstance(value, tuple):
            value = (value,) * len(model.controlnets)
        if isinstance(value, tuple):
            yield from ((f"{name}.{number}", part) for number, part in enumerate(value))
        else:
            yield name, value


def _of_adapters(manifest: Manifest) -> Iterator[tuple[str, Any]]:
    model = manifest.model
    yield from ((f"lora_scale.{number}", lora.scale) for number, lora in enumerate(model.loras))
    yield from (
        (f"ip_adapter_scale.{number}", adapter.scale) for number, adapter in enumerate(model.ip_adapters)
    )


def renderer_digest(renderer: RendererSpec) -> str:
    """Digest what of the renderer determines pixels; not where weights lie or how they are called."""
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
    """Return what may change the last bits: where weights wait for their turn does not."""
    return {
        "vae_slicing": memory.vae_slicing,
        "vae_tiling": memory.vae_tiling,
        "attention": memory.attention,
    }


def make_plan(
    manifest: Manifest, renderer: RendererSpec, sources: Mapping[str, PictureSource] | None = None
) -> Plan:
    """Return the plan of a valid manifest on a renderer whose checkpoints were found.

    `sources` are the pictures that it names, each by the text that is written in the manifest.

    Chunks hold one frame where a call takes one value for all of its frames and they differ in it: a number that
    moves; or where diffusers takes one picture only.
    """
    render = manifest.render
    arguments, curves = arguments_of(manifest)
    tracks = picture_tracks(manifest, sources or {})
    image_prompts = image_prompt_tracks(manifest, sources or {})
    motion = motion_of(manifest)
    one_by_one = bool(curves) or isinstance(motion, Sweep) or _takes_one_frame(manifest)
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
        pads_together=render.prompt_syntax == "compel" or PIPELINES[manifest.model.pipeline].pads_to_longest,
        scheduler=scheduler_spec(manifest.model.scheduler),
        arguments=arguments | canvas_arguments(manifest, tracks),
        curves=curves,
        pictures=tracks,
        image_prompts=image_prompts,
        outputs=manifest.output.spec(grid_of(motion) if manifest.output.grid else None),
        manifest_text=to_yaml(manifest),
    )


def _takes_one_frame(manifest: Manifest) -> bool:
    """Whether diffusers 0.42 is right for one frame a call only.

    A crop around the mask is of one picture; the two negative sizes of XL reach the wrong frames of a batch.
    """
    render = manifest.render
    return render.padding_mask_crop is not None or (
        render.negative_original_size is not None and render.negative_target_size is not None
    )
