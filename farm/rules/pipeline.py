"""Pipelines: their supported and required arguments and parts, and their compatibility with checkpoints."""

from __future__ import annotations

import math
from collections.abc import Iterator

from farm.inputs.checkpoints.info import Architecture, Denoiser
from farm.manifest.findings import Finding, suggestion
from farm.manifest.location import FieldPath
from farm.manifest.pipelines import PIPELINES, Traits, call_arguments
from farm.manifest.sources import SINGLE_SOURCES, SOURCE_LISTS
from farm.records import ModelSource
from farm.rules.context import Context, WrittenManifest, pipelines_taking, pipelines_where, pipelines_with
from farm.rules.mismatch import mismatch, unequal

_KNOWN = frozenset(name for traits in PIPELINES.values() for name in traits.arguments) - {"denoising_end"}
_OWN_SIZE = "It takes the picture's own size."


def pipeline_checks(written: WrittenManifest) -> Iterator[Finding]:
    """Yield every argument and part that the pipeline does not take, and every missing one that it requires."""
    for check in (_arguments, _words, _parts, _refiner, _attention, _released, _sizes, _length):
        yield from check(written)


def _arguments(written: WrittenManifest) -> Iterator[Finding]:
    supported = call_arguments(written.pipeline, has_refiner=written.has_refiner)
    fixed = [(("render", name), name) for name, value in written.render.items() if value is not None]
    swept = [(("animation", "over", name), name) for name in written.over]
    for path, name in [*fixed, *swept]:
        if name in _KNOWN and name not in supported:
            yield Finding(
                path=path,
                found=f"{written.pipeline} takes no {name}",
                allowed=pipelines_taking(name),
                hint=_OWN_SIZE if name in ("height", "width") else "",
            )


def _words(written: WrittenManifest) -> Iterator[Finding]:
    if written.render.get("prompt_syntax") == "compel" and not written.traits.uses_clip_only:
        yield Finding(
            path=("render", "prompt_syntax"),
            found=f"{written.pipeline} does not support weighted words",
            allowed=pipelines_where(lambda traits: traits.uses_clip_only),
        )


def _parts(written: WrittenManifest) -> Iterator[Finding]:
    for part in (*SINGLE_SOURCES, *SOURCE_LISTS):
        if written.model.get(part) and part not in written.traits.parts:
            yield Finding(
                path=("model", part),
                found=f"{written.pipeline} takes no {part}",
                allowed=pipelines_with(part),
            )


def _refiner(written: WrittenManifest) -> Iterator[Finding]:
    path = ("render", "denoising_end")
    is_set = written.render.get("denoising_end") is not None
    if is_set and not written.has_refiner:
        yield Finding(
            path=path,
            found="no refiner continues from there",
            allowed=f"{pipelines_with('refiner')} and a model.refiner",
        )
    if written.has_refiner and "refiner" in written.traits.parts and not is_set and written.has_valid_render:
        needed = "needed: the share of the steps after which the refiner takes over, such as 0.8"
        yield Finding(path=path, found="missing", allowed=needed)


def _attention(written: WrittenManifest) -> Iterator[Finding]:
    memory = written.model.get("memory")
    if not isinstance(memory, dict) or memory.get("attention") != "sliced":
        return

    def has_slices(traits: Traits) -> bool:
        return traits.denoiser_component == "unet"

    if not has_slices(written.traits):
        yield Finding(
            path=("model", "memory", "attention"),
            found=f"{written.pipeline} has no sliced attention",
            allowed=pipelines_where(has_slices),
        )
    elif written.count("ip_adapters"):
        yield Finding(
            path=("model", "memory", "attention"),
            found="sliced attention ignores image prompts",
            allowed="allowed with model.ip_adapters: default, math, flash, efficient, cudnn, xformers",
        )


def _released(written: WrittenManifest) -> Iterator[Finding]:
    match written.model.get("memory"):
        case {"offload": "model" | "group" | "sequential" as offload, "release_text_encoders": True}:
            yield Finding(
                path=("model", "memory", "release_text_encoders"),
                found=f"text encoders are already released by offload: {offload}",
                allowed="allowed: false, or offload: none",
            )


def _sizes(written: WrittenManifest) -> Iterator[Finding]:
    step = written.traits.size_multiple
    for name in ("height", "width"):
        pixels = written.render.get(name)
        if isinstance(pixels, int) and name in written.traits.arguments and pixels % step:
            yield Finding(
                path=("render", name),
                found=f"found {pixels}",
                allowed=f"allowed: a multiple of {step} with {written.pipeline}",
            )


def _length(written: WrittenManifest) -> Iterator[Finding]:
    tokens, most = written.render.get("max_sequence_length"), written.traits.max_sequence_length
    if isinstance(tokens, int) and most is not None and tokens > most:
        yield Finding(
            path=("render", "max_sequence_length"),
            found=f"found {tokens}",
            allowed=f"allowed: up to {most} with {written.pipeline}",
        )


_FILE = ".safetensors"


def single_file_checks(written: WrittenManifest) -> Iterator[Finding]:
    """Yield a single file without a configuration, a configuration for a folder, or one that is itself a file."""
    if "config" not in written.traits.parts:
        return
    match written.model:
        case {"pretrained": str(pretrained), "config": dict()} if not pretrained.endswith(_FILE):
            yield Finding(
                path=("model", "config"),
                found=f"a configuration for {pretrained!r}, which contains its own",
                allowed=f"allowed: with a {_FILE} file",
            )
        case {"pretrained": str(pretrained)} if pretrained.endswith(_FILE) and not written.model.get(
            "config"
        ):
            yield Finding(
                path=("model", "config"),
                found="missing",
                allowed="needed: a hub id with its commit, or a folder, to provide the architecture, tokenizers and "
                "scheduler, since the file contains weights only",
                hint=f"The usual one for {written.pipeline} is {written.traits.usual_config}.",
            )
    match written.model:
        case {"config": {"pretrained": str(pretrained)}} if pretrained.endswith(_FILE):
            yield Finding(
                path=("model", "config", "pretrained"),
                found=f"found {pretrained!r}, which contains weights only",
                allowed="allowed: a hub id or a folder",
            )


def clip_skip_findings(context: Context) -> Iterator[Finding]:
    """Yield a clip_skip beyond the layers of a text encoder.

    diffusers takes the output of the layer that many layers before the last; with two encoders, it counts from the
    penultimate layer.
    """
    clip_skip, model = context.manifest.render.clip_skip, context.inputs.model
    if clip_skip is None or model is None:
        return
    offset = 1 if "text_encoder_2" in context.traits.components else 0
    for checkpoint in filter(None, (model.configured, model.refiner)):
        for encoder, layers in checkpoint.encoder_layers.items():
            if clip_skip > layers - offset:
                yield Finding(
                    path=("render", "clip_skip"),
                    found=f"found {clip_skip}, and the {encoder} of {checkpoint.source.pretrained} has {layers} layers",
                    allowed=f"allowed: 1 to {layers - offset}, or null for none",
                )
                return


def pipeline_findings(context: Context) -> Iterator[Finding]:
    """Yield why the checkpoint does not fit the pipeline, with the pipelines that it fits."""
    model = context.inputs.model
    architecture = model and model.checkpoint.architecture
    clauses = (
        " and ".join(incompatibilities(context.manifest.model.pipeline, architecture)) if architecture else ""
    )
    if model and architecture and clauses:
        fitting = [pipeline for pipeline in PIPELINES if not any(incompatibilities(pipeline, architecture))]
        yield Finding(
            path=("model", "pipeline"),
            found=f"{model.spec.source.pretrained} is not for {model.spec.pipeline}: {clauses}",
            allowed=f"allowed with it: {', '.join(fitting) or 'none of the supported pipelines'}",
        )


def config_findings(context: Context) -> Iterator[Finding]:
    """Yield a configuration that belongs to another model than the single file."""
    model = context.inputs.model
    other = model and model.config and model.config.architecture
    if not model or not other or not (architecture := model.checkpoint.architecture):
        return
    own, required = other.denoiser, architecture.denoiser
    clauses = (
        *unequal("denoiser", own.class_name or None, required.class_name),
        *unequal("in_channels", own.in_channels, required.in_channels),
        *unequal("cross_attention_dim", own.cross_attention_dim, required.cross_attention_dim),
        *_latents(other, architecture),
    )
    yield from mismatch(
        ("model", "config", "pretrained"), clauses, "the configuration of a model of this kind"
    )


def refiner_findings(context: Context) -> Iterator[Finding]:
    """Yield why a refiner cannot continue from the model's latents."""
    model = context.inputs.model
    own = model and model.refiner and model.refiner.architecture
    if model and own and (architecture := model.checkpoint.architecture):
        clauses = (*incompatibilities("StableDiffusionXLImg2ImgPipeline", own), *_latents(own, architecture))
        yield from mismatch(
            ("model", "refiner", "pretrained"),
            clauses,
            "a refiner of Stable Diffusion XL with the model's latents",
        )


def _latents(own: Architecture, required: Architecture) -> Iterator[str]:
    yield from unequal("number of latent channels", own.latent_channels, required.latent_channels)
    yield from unequal("number of pixels per latent", own.vae_factor, required.vae_factor)


def incompatibilities(pipeline: str, architecture: Architecture) -> Iterator[str]:
    """Yield, as clauses, why a pipeline cannot be built from a checkpoint's parts."""
    traits, net = PIPELINES[pipeline], architecture.denoiser
    if architecture.components is None and "config" not in traits.parts:
        yield "it is a single file, and this pipeline is loaded from folders"
    missing = _missing(traits, architecture)
    if missing:
        yield f"it has no {' and no '.join(missing)}"
    if net.class_name != traits.denoiser:
        if net.class_name and traits.denoiser_component not in missing:
            yield f"it denoises with a {net.class_name}, not a {traits.denoiser}"
    elif traits.denoiser_component == "unet":
        yield from _unet_incompatibilities(traits, net, architecture.latent_channels)


def _missing(traits: Traits, architecture: Architecture) -> list[str]:
    """Return the components that a pipeline needs but the checkpoint lacks."""
    if architecture.components is None:
        return []
    return [
        part
        for part in (traits.denoiser_component, *traits.components)
        if part not in architecture.components
    ]


def _unet_incompatibilities(traits: Traits, net: Denoiser, latent: int | None) -> Iterator[str]:
    if net.takes_sizes != traits.has_size_conditioning:
        verb = "does not take" if traits.has_size_conditioning else "takes"
        yield f"its UNet {verb} picture sizes, as Stable Diffusion XL's does"
    if traits.has_guidance_embedding and not net.takes_guidance:
        yield "its UNet does not take the guidance scale, as a latent consistency model's does"
    if latent is not None and net.in_channels is not None:
        takes = _channels(traits, latent)
        if net.in_channels not in takes:
            yield f"its UNet takes {net.in_channels} channels, not {' or '.join(map(str, takes))}"


def _channels(traits: Traits, latent: int) -> tuple[int, ...]:
    """Return the numbers of input channels that a UNet may have: a latent's, plus those of masks or depth."""
    if traits.is_inpainting:
        return (latent, 2 * latent + 1)
    return (latent + 1,) if traits.takes_depth else (latent,)


_PIPELINE_MULTIPLE = 8
"""The divisor of heights and widths for any checkpoint, which the manifest's schema enforces."""


def size_findings(context: Context) -> Iterator[Finding]:
    """Yield a height or width that the pipeline would reject or silently round.

    With resolution binning, any size is allowed: pictures are rendered at a size the model supports, and scaled.
    """
    render, model = context.manifest.render, context.inputs.model
    if render.use_resolution_binning or model is None or model.checkpoint.architecture is None:
        return
    step = math.lcm(model.checkpoint.architecture.step, _PIPELINE_MULTIPLE)
    for name in ("height", "width"):
        pixels = getattr(render, name)
        if pixels is not None and pixels % step:
            below = pixels - pixels % step
            near = [str(size) for size in (below, below + step) if size]
            yield Finding(
                path=("render", name),
                found=f"found {pixels}",
                allowed=f"allowed: a multiple of {step} with {model.spec.source.pretrained}",
                hint=f"Nearest: {' or '.join(near)}.",
            )


def variant_findings(context: Context) -> Iterator[Finding]:
    """Yield every variant without files in its folder; hub repositories may contain more than their cache."""
    model = context.inputs.model
    if model is None:
        return
    spec = model.spec
    named: dict[FieldPath, tuple[ModelSource, str | None]] = {("model",): (spec.source, spec.variant)}
    if spec.refiner is not None:
        named["model", "refiner"] = spec.refiner.source, spec.refiner.variant
    for number, net in enumerate(spec.controlnets):
        named["model", "controlnets", number] = net.source, net.variant
    for field, found in model.variants.items():
        source, variant = named[field]
        if variant is not None and variant not in found:
            yield Finding(
                path=(*field, "variant"),
                found=f"there are no files of the variant {variant} in {source.pretrained}{suggestion(variant, found)}",
                allowed=f"allowed: {', '.join([*found, 'null'])}",
            )
