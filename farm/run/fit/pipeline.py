"""Which pipelines a checkpoint is for, by what it is made of; and what may stand beside it."""

from __future__ import annotations

from collections.abc import Iterator

from farm.manifest.pipelines import PIPELINES
from farm.manifest.reading.findings import Finding
from farm.records import DiffusersSpec, ModelSource
from farm.render.checkpoints.architecture import Architecture, Denoiser, read_architecture
from farm.run.fit.clauses import misfit, unequal

_TRANSFORMERS = {
    "StableDiffusion3Pipeline": "SD3Transformer2DModel",
    "FluxPipeline": "FluxTransformer2DModel",
    "PixArtSigmaPipeline": "PixArtTransformer2DModel",
    "SanaPipeline": "SanaTransformer2DModel",
    "ZImagePipeline": "ZImageTransformer2DModel",
    "QwenImagePipeline": "QwenImageTransformer2DModel",
}
_UNET = "UNet2DConditionModel"
_ONE_ENCODER = ("text_encoder", "tokenizer")
_SECOND_ENCODER = ("text_encoder_2", "tokenizer_2")
_TWO_ENCODERS = ("StableDiffusion3Pipeline", "FluxPipeline")
_REFINES = ("StableDiffusionXLImg2ImgPipeline", "StableDiffusionXLInpaintPipeline")
"""What a refiner's weights can be, too, which have the second text encoder alone."""


def pipeline_findings(spec: DiffusersSpec, model: Architecture) -> Iterator[Finding]:
    """Yield why the checkpoint is not one for the pipeline, with those that it is for."""
    clauses = " and ".join(misfits_of(spec.pipeline, model))
    if clauses:
        fitting = [pipeline for pipeline in PIPELINES if not any(misfits_of(pipeline, model))]
        yield Finding(
            path=("model", "pipeline"),
            found=f"{spec.source.pretrained} is not for {spec.pipeline}: {clauses}",
            allowed=f"allowed with it: {', '.join(fitting) or 'none of the pipelines that the farm renders with'}",
        )


def config_findings(config: ModelSource, model: Architecture) -> Iterator[Finding]:
    """Yield where the configuration of a single file is of another model."""
    other = read_architecture(config)
    if other is None:
        return
    own, wanted = other.denoiser, model.denoiser
    clauses = (
        *unequal("denoiser", own.class_name or None, wanted.class_name),
        *unequal("in_channels", own.in_channels, wanted.in_channels),
        *unequal("cross_attention_dim", own.cross_attention_dim, wanted.cross_attention_dim),
        *_latents(other, model),
    )
    yield from misfit(("model", "config", "pretrained"), clauses, "the configuration of a model of this kind")


def refiner_findings(refiner: ModelSource, model: Architecture) -> Iterator[Finding]:
    """Yield why a refiner cannot go on with the model's latents."""
    own = read_architecture(refiner)
    if own is not None:
        clauses = (*misfits_of("StableDiffusionXLImg2ImgPipeline", own), *_latents(own, model))
        yield from misfit(
            ("model", "refiner", "pretrained"),
            clauses,
            "a refiner of Stable Diffusion XL with the model's latents",
        )


def _latents(own: Architecture, wanted: Architecture) -> Iterator[str]:
    yield from unequal("number of latent channels", own.latent_channels, wanted.latent_channels)
    yield from unequal("number of pixels per latent", own.vae_factor, wanted.vae_factor)


def misfits_of(pipeline: str, architecture: Architecture) -> Iterator[str]:
    """Yield why a pipeline cannot be made of a checkpoint's parts, as clauses; nothing where it can."""
    net = architecture.denoiser
    if architecture.components is None and "config" not in PIPELINES[pipeline].parts:
        yield "it is a single file, and this pipeline is loaded from folders"
    missing = _missing(pipeline, architecture)
    if missing:
        yield f"it has no {' and no '.join(missing)}"
    wanted = _TRANSFORMERS.get(pipeline, _UNET)
    if net.class_name != wanted:
        if net.class_name and PIPELINES[pipeline].net not in missing:
            yield f"it denoises with a {net.class_name}, not a {wanted}"
    elif wanted == _UNET:
        yield from _unet_misfits(pipeline, net, architecture.latent_channels)


def _missing(pipeline: str, architecture: Architecture) -> list[str]:
    """Return the components that a pipeline needs and a checkpoint has not."""
    if architecture.components is None:
        return []
    return [part for part in needed_parts(pipeline) if part not in architecture.components]


def needed_parts(pipeline: str) -> tuple[str, ...]:
    """Return the components without which a pipeline draws nothing; they have the names of its arguments."""
    if pipeline == "LDMTextToImagePipeline":
        return ("unet", "vqvae", "bert", "tokenizer")
    first = () if pipeline in _REFINES else _ONE_ENCODER
    second = _SECOND_ENCODER if "XL" in pipeline or pipeline in _TWO_ENCODERS else ()
    depth = ("depth_estimator",) if "Depth" in pipeline else ()
    return (PIPELINES[pipeline].net, "vae", *first, *second, *depth)


def _unet_misfits(pipeline: str, net: Denoiser, latent: int | None) -> Iterator[str]:
    is_xl = "XL" in pipeline
    if net.told_sizes != is_xl:
        yield f"its UNet is {'not ' if is_xl else ''}told a picture's sizes, as Stable Diffusion XL's is"
    if "LatentConsistency" in pipeline and not net.told_guidance:
        yield "its UNet is not told the guidance scale, as a latent consistency model's is"
    if latent is not None and net.in_channels is not None:
        takes = _channels(pipeline, latent)
        if net.in_channels not in takes:
            yield f"its UNet takes {net.in_channels} channels, not {' or '.join(map(str, takes))}"


def _channels(pipeline: str, latent: int) -> tuple[int, ...]:
    """Return how many channels a UNet may take: the latent's; those of a mask and a masked picture; that of depth."""
    if "Inpaint" in pipeline:
        return (latent, 2 * latent + 1)
    return (latent + 1,) if "Depth" in pipeline else (latent,)
