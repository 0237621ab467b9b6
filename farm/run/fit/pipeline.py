"""Which pipelines a checkpoint is for, by what it is made of; and what may stand beside it."""

from __future__ import annotations

from collections.abc import Iterator

from farm.manifest.findings import Finding
from farm.manifest.pipelines import PIPELINES, Traits
from farm.records import DiffusersSpec, ModelSource
from farm.render.checkpoints.architecture import Architecture, Denoiser, read_architecture
from farm.run.fit.clauses import misfit, unequal


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
    traits, net = PIPELINES[pipeline], architecture.denoiser
    if architecture.components is None and "config" not in traits.parts:
        yield "it is a single file, and this pipeline is loaded from folders"
    missing = _missing(traits, architecture)
    if missing:
        yield f"it has no {' and no '.join(missing)}"
    if net.class_name != traits.denoiser:
        if net.class_name and traits.net not in missing:
            yield f"it denoises with a {net.class_name}, not a {traits.denoiser}"
    elif traits.net == "unet":
        yield from _unet_misfits(traits, net, architecture.latent_channels)


def _missing(traits: Traits, architecture: Architecture) -> list[str]:
    """Return the components that a pipeline needs and a checkpoint has not."""
    if architecture.components is None:
        return []
    return [part for part in (traits.net, *traits.components) if part not in architecture.components]


def _unet_misfits(traits: Traits, net: Denoiser, latent: int | None) -> Iterator[str]:
    if net.told_sizes != traits.tells_sizes:
        yield f"its UNet is {'not ' if traits.tells_sizes else ''}told a picture's sizes, as Stable Diffusion XL's is"
    if traits.tells_guidance and not net.told_guidance:
        yield "its UNet is not told the guidance scale, as a latent consistency model's is"
    if latent is not None and net.in_channels is not None:
        takes = _channels(traits, latent)
        if net.in_channels not in takes:
            yield f"its UNet takes {net.in_channels} channels, not {' or '.join(map(str, takes))}"


def _channels(traits: Traits, latent: int) -> tuple[int, ...]:
    """Return how many channels a UNet may take: the latent's; those of a mask and a masked picture; that of depth."""
    if traits.paints_in:
        return (latent, 2 * latent + 1)
    return (latent + 1,) if traits.sees_depth else (latent,)
