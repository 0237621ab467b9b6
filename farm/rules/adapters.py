"""Adapters (LoRA, IP-Adapter, textual inversion): made for the model, and with what each of them needs."""

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
from farm.manifest.findings import Finding, did_you_mean
from farm.manifest.location import FieldPath
from farm.manifest.model import IpAdapter as Written
from farm.records import ModelSource
from farm.rules.context import Asked, Context, entries, many, pipelines_with
from farm.rules.mismatch import among, mismatch, unequal, word_widths

_UNLESS_NAMED = Written.model_fields["image_encoder_folder"].default


def encoder_findings(context: Context) -> Iterator[Finding]:
    """Yield every adapter whose image encoder is named but missing, or is not the one that all adapters share.

    They share the model's own encoder, else that of the first adapter. An adapter that names none is taken to know the
    shared one, if that is in its own source.
    """
    model = context.inputs.model
    if model is None or not model.spec.ip_adapters:
        return
    shared, source, owner = _shared_encoder(model)
    for number, adapter in enumerate(model.spec.ip_adapters):
        field = ("model", "ip_adapters", number, "image_encoder_folder")
        encoder, is_local = model.image_encoders[number], adapter.source.kind != "hub"
        is_shared = encoder is shared
        is_named = adapter.image_encoder_folder != _UNLESS_NAMED
        if is_local and not encoder.exists and (is_shared or is_named):
            yield Finding(
                path=field,
                found=f"there is no image encoder in {encoder_folder(adapter)} of {adapter.source.pretrained}",
                allowed="needed: the folder of one, within subfolder, or from the top where its name holds a slash",
            )
        elif (is_named or adapter.source != source) and _differ(encoder, shared):
            yield Finding(
                path=field,
                found=f"{encoder_folder(adapter)} of {adapter.source.pretrained} differs from the image encoder of "
                f"{owner}, which all adapters share",
                allowed="allowed: IP-Adapters that were trained with the same one, of which the same is named",
            )


def _shared_encoder(model: ModelInputs) -> tuple[ImageEncoder, ModelSource, str]:
    """Return the image encoder that all adapters share, its source and its owner in words."""
    architecture = model.checkpoint.architecture
    if model.image_encoder and architecture and "image_encoder" in (architecture.components or {}):
        return model.image_encoder, model.spec.source, "the model"
    return model.image_encoders[0], model.spec.ip_adapters[0].source, "the first adapter"


def _differ(one: ImageEncoder, other: ImageEncoder) -> bool:
    """Tell whether both have weights on this machine, and no file in common."""
    if one.folder == other.folder:
        return False
    return bool(one.digests) and bool(other.digests) and one.digests.isdisjoint(other.digests)


_EYES = {"proj.weight": "projection_dim", "proj_in.weight": "hidden_size"}
"""What of the image encoder a plain adapter takes, and what a plus one."""


def ip_adapter_findings(context: Context) -> Iterator[Finding]:
    """Yield every IP-Adapter that was made for another model, or whose file is missing."""
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
        found=f"there is no {missing.name} in {missing.folder}",
        allowed=f"allowed: a .safetensors file in that folder{files}",
        hint=did_you_mean(missing.name, missing.files),
    )


def _clauses(shapes: Mapping[str, Shape], model: Architecture, encoder: Mapping[str, Any]) -> Iterator[str]:
    context = {shape[-1] for name, shape in shapes.items() if shape and name.endswith("to_k_ip.weight")}
    if not context:
        yield "it holds no weights of an IP-Adapter"
    yield from among("cross_attention_dim", context, [model.denoiser.cross_attention_dim])
    for part, trait in _EYES.items():
        eye = shapes.get(f"image_proj.{part}")
        if eye:
            yield from unequal(f"image encoder's {trait}", eye[-1], encoder.get(trait))


def image_prompt_checks(asked: Asked) -> Iterator[Finding]:
    """Yields every image prompt that is missing, that nothing sees, or that cannot be mixed with the next."""
    adapters, path = asked.count("ip_adapters"), ("render", "ip_adapter_image")
    seen = asked.render.get("ip_adapter_image")
    if "ip_adapters" not in asked.traits.parts:
        if seen is not None:
            allowed = pipelines_with("ip_adapters")
            yield Finding(path=path, found=f"{asked.pipeline} takes no image prompts", allowed=allowed)
    elif seen is None:
        if adapters and asked.is_whole:
            yield Finding(path=path, found="missing", allowed="needed: what each of model.ip_adapters sees")
    elif not asked.model.get("ip_adapters"):
        yield Finding(path=path, found="no adapter sees it", allowed="needed: model.ip_adapters")
    elif (number := entries(seen)) is not None and adapters and number != adapters:
        yield Finding(
            path=path,
            found=f"{many(number, 'entry', 'entries')} for {many(adapters, 'IP-Adapter')}",
            allowed=f"allowed: {adapters}, one per IP-Adapter",
            hint="Pictures that one adapter sees together are a list in that list." if adapters == 1 else "",
        )
    yield from _uneven(seen, path)


def _uneven(seen: Any, path: FieldPath) -> Iterator[Finding]:
    """Between keyframes the views are mixed picture by picture."""
    for number, by_frame in enumerate(seen) if isinstance(seen, list) else [(None, seen)]:
        if not isinstance(by_frame, dict):
            continue
        counts = {len(together) if isinstance(together, list) else 1 for together in by_frame.values()}
        if len(counts) > 1:
            yield Finding(
                path=path if number is None else (*path, number),
                found=f"{' and '.join(map(str, sorted(counts)))} pictures at its keyframes",
                allowed="allowed: as many at each, since the first is mixed with the first, the second with the second",
                hint="A picture may be named twice.",
            )


def inversion_findings(context: Context) -> Iterator[Finding]:
    """Yield every textual-inversion embedding that was made for another model, or whose token is missing or taken."""
    model = context.inputs.model
    if model is None or model.checkpoint.architecture is None:
        return
    taken: set[tuple[str, str]] = set()
    for number, inversion in enumerate(model.spec.textual_inversions):
        field: FieldPath = ("model", "textual_inversions", number)
        weights = model.textual_inversions[number]
        if weights.missing is not None:
            yield _missing_file(field, weights.missing)
        elif weights.shapes is not None:
            shapes = weights.shapes
            clauses = list(_inversion_clauses(shapes, model.checkpoint.architecture))
            yield from mismatch(
                (*field, "pretrained"), clauses, "words learned with this model's text encoders"
            )
            if not clauses:
                token = token_of(inversion, shapes)
                yield from _token_findings(field, {(encoder, token) for encoder in _encoders(shapes)}, taken)


def _token_findings(
    field: FieldPath, words: set[tuple[str, str]], taught: set[tuple[str, str]]
) -> Iterator[Finding]:
    """Yield what is wrong with a word, the same for each text encoder that learns it."""
    word = next(word for _, word in words)
    if not word:
        yield Finding(
            path=(*field, "token"),
            found="missing",
            allowed="needed: how prompts say it, such as <cat-toy>, since its file does not name a word",
        )
    elif words & taught:
        yield Finding(
            path=(*field, "token"),
            found=f"{word} is learned twice",
            allowed="needed: a token of its own for each",
        )
    taught |= words


def _encoders(shapes: Mapping[str, Shape]) -> set[str]:
    return {ENCODER_OF.get(name, "text_encoder") for name in shapes}


def _inversion_clauses(shapes: Mapping[str, Shape], model: Architecture) -> Iterator[str]:
    if len(shapes) == 1 or shapes.keys() == ENCODER_OF.keys():
        own = {ENCODER_OF.get(name, "text_encoder"): shape[-1:] for name, shape in shapes.items()}
        yield from word_widths(own, model)
    else:
        yield f"it is no learned word, with {len(shapes)} tensors"


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
    has = "unet" if net.class_name.startswith("UNet") else "transformer"
    if lora is None:
        yield "it holds no weights of a LoRA"
    elif net.class_name and lora.net not in (None, has):
        yield f"it is for a {lora.net}, and the model has a {has}"
    else:
        yield from among("cross_attention_dim", lora.context, [net.cross_attention_dim])
        yield from among("width of attention", lora.tokens, net.block_out_channels or [net.width])
        yield from word_widths(lora.words, model)
