"""Adapters (LoRA, IP-Adapter, textual inversion): compatibility with the model, and required files and arguments."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from farm.inputs.checkpoints.adapters import (
    ENCODER_OF,
    ImageEncoder,
    LoraShapes,
    MissingFile,
    encoder_folder,
    read_lora,
    token_of,
)
from farm.inputs.checkpoints.info import Architecture
from farm.inputs.checkpoints.safetensors_header import Shape
from farm.inputs.resolved import ModelInputs
from farm.manifest.findings import Finding, suggestion
from farm.manifest.location import FieldPath
from farm.manifest.model import IpAdapter
from farm.records import ModelSource
from farm.rules.context import Context, WrittenManifest, count_entries, counted, pipelines_with
from farm.rules.mismatch import among, encoder_widths, mismatch, unequal

_DEFAULT_FOLDER = IpAdapter.model_fields["image_encoder_folder"].default


def encoder_findings(context: Context) -> Iterator[Finding]:
    """Yield every IP-Adapter whose image encoder is missing, or differs from the one that all adapters share.

    The shared encoder is the model's own, else that of the first adapter. An adapter from the same source that names no
    encoder is assumed to use the shared one.
    """
    model = context.inputs.model
    if model is None or not model.spec.ip_adapters:
        return
    shared, source, owner = _shared_encoder(model)
    for number, adapter in enumerate(model.spec.ip_adapters):
        field = ("model", "ip_adapters", number, "image_encoder_folder")
        encoder, is_local = model.image_encoders[number], adapter.source.kind != "hub"
        is_shared = encoder is shared
        is_named = adapter.image_encoder_folder != _DEFAULT_FOLDER
        if is_local and not encoder.exists and (is_shared or is_named):
            yield Finding(
                path=field,
                found=f"there is no image encoder in {encoder_folder(adapter)} of {adapter.source.pretrained}",
                allowed="needed: the folder of an image encoder, relative to subfolder, or to the top if its name "
                "contains a slash",
            )
        elif (is_named or adapter.source != source) and _differ(encoder, shared):
            yield Finding(
                path=field,
                found=f"{encoder_folder(adapter)} of {adapter.source.pretrained} differs from the image encoder of "
                f"{owner}, which all adapters share",
                allowed="allowed: IP-Adapters trained with one image encoder, which each of them names",
            )


def _shared_encoder(model: ModelInputs) -> tuple[ImageEncoder, ModelSource, str]:
    """Return the image encoder that all adapters share, its source, and its owner as a phrase."""
    architecture = model.checkpoint.architecture
    if model.image_encoder and architecture and "image_encoder" in (architecture.components or {}):
        return model.image_encoder, model.spec.source, "the model"
    return model.image_encoders[0], model.spec.ip_adapters[0].source, "the first adapter"


def _differ(one: ImageEncoder, other: ImageEncoder) -> bool:
    """Return whether both encoders have weights on this machine, but no file in common."""
    if one.folder == other.folder:
        return False
    return bool(one.digests) and bool(other.digests) and one.digests.isdisjoint(other.digests)


_ENCODER_DIM_FIELDS = {"proj.weight": "projection_dim", "proj_in.weight": "hidden_size"}
"""The setting of the image encoder that a projection's width must equal: in plain adapters, and in plus adapters."""


def ip_adapter_findings(context: Context) -> Iterator[Finding]:
    """Yield every IP-Adapter that was trained for another model, or whose file is missing."""
    model = context.inputs.model
    if model is None or model.checkpoint.architecture is None or not model.spec.ip_adapters:
        return
    yield from encoder_findings(context)
    encoder = _shared_encoder(model)[0].config
    for number, weights in enumerate(model.ip_adapters):
        field = ("model", "ip_adapters", number)
        if weights.missing is not None:
            yield _missing_file(field, weights.missing)
        elif weights.shapes is not None:
            clauses = _clauses(weights.shapes, model.checkpoint.architecture, encoder)
            needed = "an IP-Adapter for a model of this kind, and its image encoder"
            yield from mismatch((*field, "weight_name"), clauses, needed)


def _missing_file(field: FieldPath, missing: MissingFile) -> Finding:
    files = f" ({', '.join(missing.files[:10])})" if missing.files else ""
    return Finding(
        path=(*field, "weight_name"),
        found=f"there is no {missing.name} in {missing.folder}{suggestion(missing.name, missing.files)}",
        allowed=f"allowed: a .safetensors file in that folder{files}",
    )


def _clauses(shapes: Mapping[str, Shape], model: Architecture, encoder: Mapping[str, Any]) -> Iterator[str]:
    context = {shape[-1] for name, shape in shapes.items() if shape and name.endswith("to_k_ip.weight")}
    if not context:
        yield "it contains no IP-Adapter weights"
    yield from among("cross_attention_dim", context, [model.denoiser.cross_attention_dim])
    for part, field in _ENCODER_DIM_FIELDS.items():
        projection = shapes.get(f"image_proj.{part}")
        if projection:
            yield from unequal(f"image encoder's {field}", projection[-1], encoder.get(field))


def image_prompt_checks(written: WrittenManifest) -> Iterator[Finding]:
    """Yield every image prompt that is missing, unused, or cannot be interpolated with the next keyframe's."""
    adapters, path = written.count("ip_adapters"), ("render", "ip_adapter_image")
    images = written.render.get("ip_adapter_image")
    if "ip_adapters" not in written.traits.parts:
        if images is not None:
            allowed = pipelines_with("ip_adapters")
            yield Finding(path=path, found=f"{written.pipeline} takes no image prompts", allowed=allowed)
    elif images is None:
        if adapters and written.has_valid_render:
            yield Finding(
                path=path, found="missing", allowed="needed: an image prompt for each of model.ip_adapters"
            )
    elif not written.model.get("ip_adapters"):
        yield Finding(path=path, found="no IP-Adapter uses it", allowed="needed: model.ip_adapters")
    elif (number := count_entries(images)) is not None and adapters and number != adapters:
        yield Finding(
            path=path,
            found=f"{counted(number, 'entry', 'entries')} for {counted(adapters, 'IP-Adapter')}",
            allowed=f"allowed: {adapters}, one per IP-Adapter",
            hint="To give one adapter several pictures, put them in a list within that list."
            if adapters == 1
            else "",
        )
    yield from _uneven(images, path)


def _uneven(images: Any, path: FieldPath) -> Iterator[Finding]:
    """Yield image prompts whose keyframes differ in their number of pictures, which are interpolated one by one."""
    for number, by_frame in enumerate(images) if isinstance(images, list) else [(None, images)]:
        if not isinstance(by_frame, dict):
            continue
        counts = {len(together) if isinstance(together, list) else 1 for together in by_frame.values()}
        if len(counts) > 1:
            yield Finding(
                path=path if number is None else (*path, number),
                found=f"{' and '.join(map(str, sorted(counts)))} pictures at its keyframes",
                allowed="allowed: the same number at each, since they are interpolated one by one",
                hint="A picture may be repeated.",
            )


def inversion_findings(context: Context) -> Iterator[Finding]:
    """Yield every textual inversion for another model, with a missing file, or with a missing or duplicate token."""
    model = context.inputs.model
    if model is None or model.checkpoint.architecture is None:
        return
    defined: set[tuple[str, str]] = set()
    for number, inversion in enumerate(model.spec.textual_inversions):
        field: FieldPath = ("model", "textual_inversions", number)
        weights = model.textual_inversions[number]
        if weights.missing is not None:
            yield _missing_file(field, weights.missing)
        elif weights.shapes is not None:
            shapes = weights.shapes
            clauses = list(_inversion_clauses(shapes, model.checkpoint.architecture))
            yield from mismatch(
                (*field, "pretrained"), clauses, "an embedding trained with this model's text encoders"
            )
            if not clauses:
                token = token_of(inversion, shapes)
                yield from _token_findings(
                    field, {(encoder, token) for encoder in _encoders(shapes)}, defined
                )


def _token_findings(
    field: FieldPath, words: set[tuple[str, str]], defined: set[tuple[str, str]]
) -> Iterator[Finding]:
    """Yield a missing or duplicate token; `words` pairs it with each text encoder, `defined` are the earlier pairs."""
    word = next(word for _, word in words)
    if not word:
        yield Finding(
            path=(*field, "token"),
            found="missing",
            allowed="needed: its token in prompts, such as <cat-toy>, since the file does not name one",
        )
    elif words & defined:
        yield Finding(
            path=(*field, "token"),
            found=f"{word} is defined twice",
            allowed="needed: a unique token for each",
        )
    defined |= words


def _encoders(shapes: Mapping[str, Shape]) -> set[str]:
    return {ENCODER_OF.get(name, "text_encoder") for name in shapes}


def _inversion_clauses(shapes: Mapping[str, Shape], model: Architecture) -> Iterator[str]:
    if len(shapes) == 1 or shapes.keys() == ENCODER_OF.keys():
        own = {ENCODER_OF.get(name, "text_encoder"): shape[-1:] for name, shape in shapes.items()}
        yield from encoder_widths(own, model)
    else:
        yield f"it has {len(shapes)} tensors, unlike a textual inversion"


def lora_findings(context: Context) -> Iterator[Finding]:
    """Yield every LoRA that was trained for another model, or whose file is missing."""
    model = context.inputs.model
    if model is None or model.checkpoint.architecture is None:
        return
    for number, weights in enumerate(model.loras):
        field = ("model", "loras", number)
        if weights.missing is not None:
            yield _missing_file(field, weights.missing)
        elif weights.shapes is not None:
            clauses = _lora_clauses(read_lora(weights.shapes), model.checkpoint.architecture)
            yield from mismatch((*field, "pretrained"), clauses, "a LoRA trained for a model of this kind")


def _lora_clauses(lora: LoraShapes | None, model: Architecture) -> Iterator[str]:
    net = model.denoiser
    own = "unet" if net.class_name.startswith("UNet") else "transformer"
    if lora is None:
        yield "it contains no LoRA weights"
    elif net.class_name and lora.net not in (None, own):
        yield f"it is for a {lora.net}, and the model has a {own}"
    else:
        yield from among("cross_attention_dim", lora.context, [net.cross_attention_dim])
        yield from among("attention width", lora.tokens, net.block_out_channels or [net.width])
        yield from encoder_widths(lora.words, model)
