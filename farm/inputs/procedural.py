"""The procedural renderer of a manifest, at the size of its frames."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from farm import models
from farm.errors import StorageError
from farm.inputs.absolute_paths import located_picture
from farm.inputs.checkpoints.info import Architecture, read_architecture
from farm.inputs.pictures.files import absolute_path
from farm.manifest import Document
from farm.manifest.pipelines import PIPELINES
from farm.manifest.references import written_pictures
from farm.records import ModelSource, PictureSource, ProceduralSpec

_UNKNOWN = 64
_TRANSFORMERS_LATENTS = 128
"""Default size of Flux, Qwen-Image and Z-Image in latents, missing from their configurations."""


def procedural_renderer(document: Document, pictures: Mapping[str, PictureSource]) -> ProceduralSpec:
    """Return a procedural renderer of the frames' size: the manifest's, else the picture's, else the checkpoint's.

    `pictures` are keyed by absolute path. The size is 64 x 64 pixels if the checkpoint is not on this machine.
    """
    render, model = document.manifest.render, _architecture(document)
    height, width = _of_picture(document, pictures, model) or _of_checkpoint(document, model)
    return ProceduralSpec(height=render.height or height, width=render.width or width)


def _of_picture(
    document: Document, pictures: Mapping[str, PictureSource], model: Architecture | None
) -> tuple[int, int] | None:
    """Return the size of the canvas around a picture, or of a picture that is not scaled to the checkpoint's size."""
    manifest = document.manifest
    image = next(
        (text for field, text in written_pictures(manifest) if field[:2] == ("render", "image")), None
    )
    if image is None:
        return None
    file, expand = pictures[located_picture(document, image)].files[0], manifest.render.expand
    if expand is not None:
        return file.height + expand.top + expand.bottom, file.width + expand.left + expand.right
    traits = PIPELINES[manifest.model.pipeline]
    if "mask_image" in traits.arguments and traits.control_argument is None:
        return None
    latent = (model and model.vae_factor) or traits.size_multiple
    return file.height - file.height % latent, file.width - file.width % latent


def _of_checkpoint(document: Document, model: Architecture | None) -> tuple[int, int]:
    if model is None or model.vae_factor is None:
        return _UNKNOWN, _UNKNOWN
    is_unet = PIPELINES[document.manifest.model.pipeline].denoiser_component == "unet"
    latents = model.denoiser.sample_size or (None if is_unet else _TRANSFORMERS_LATENTS)
    side = latents * model.vae_factor if latents else _UNKNOWN
    return side, side


def _architecture(document: Document) -> Architecture | None:
    """Return the checkpoint's architecture without reading its weights; None if it is not on this machine."""
    model = document.manifest.model
    name = model.pretrained
    source = partial(ModelSource, pretrained=name, revision=model.revision or "", fingerprint="")
    try:
        if models.find(name) is not None:
            return read_architecture(source(kind="shipped", location=name))
        folder = absolute_path(name, document.folder)
        if folder.is_dir():
            return read_architecture(source(kind="folder", location=str(folder)))
        return read_architecture(source(kind="hub", location=name))
    except (StorageError, OSError, ValueError):  # an invalid name for a folder or repository
        return None
