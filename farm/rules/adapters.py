"""Whether IP-Adapters are made for the model's UNet, and see through the image encoder that they were trained with."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from farm.inputs.checkpoints.info import Architecture, contents_of, read_settings, read_shapes
from farm.inputs.checkpoints.lora import (
    ENCODER_OF,
    USUAL_LORA,
    USUAL_WORD,
    LoraShapes,
    encoder_folder,
    only_or_usual,
    read_lora,
)
from farm.inputs.checkpoints.safetensors_header import Shape
from farm.inputs.digest import content_sha256
from farm.manifest.findings import Finding, did_you_mean
from farm.manifest.location import FieldPath
from farm.manifest.model import IpAdapter as Written
from farm.records import IpAdapter, Lora, ModelSource, TextualInversion
from farm.rules.context import Asked, entries, many, pipelines_with


def misfit(field: FieldPath, clauses: Iterable[str], needed: str) -> Iterator[Finding]:
    """Yield one mistake of all clauses, if there are any; `field` is the weights' own place."""
    together = " and ".join(clauses)
    if together:
        yield Finding(path=field, found=f"does not fit the model: {together}", allowed=f"needed: {needed}")


def unequal(name: str, own: object, wanted: object) -> Iterator[str]:
    """Yield a clause if a trait is known of both, and differs."""
    if own not in (None, ()) and wanted not in (None, ()) and own != wanted:
        yield f"its {name} is {_shown(own)}, not {_shown(wanted)}"


def among(name: str, own: Collection[int], wanted: Collection[int | None]) -> Iterator[str]:
    """Yield a clause if sizes are known of both, and some are none of those wanted."""
    known = [size for size in wanted if size is not None]
    strange = sorted(set(own) - set(known))
    if known and strange:
        yield f"its {name} is {_either(strange)}, not {_either(known)}"


def word_widths(own: Mapping[str, Collection[int]], model: Architecture) -> Iterator[str]:
    """Yield a clause for each text encoder that the model has not, or whose words have another width."""
    for encoder, widths in own.items():
        if model.components is not None and encoder not in model.components:
            yield f"it is for a {encoder}, and the model has none"
        else:
            yield from among(f"width of the {encoder}'s words", widths, [model.text_widths.get(encoder)])


def _shown(value: object) -> str:
    return f"({', '.join(map(str, value))})" if isinstance(value, tuple) else str(value)


def _either(sizes: Iterable[int]) -> str:
    return " or ".join(map(str, dict.fromkeys(sizes)))


def find_weights(
    field: FieldPath, source: ModelSource, weight_name: str | None, *, usual: str, subfolder: str = ""
) -> Path | Finding | None:
    """Return an adapter's file, or what is wrong with its name; None where the hub's is not on this machine yet.

    Where the manifest gives no name it is the only file, or the one of the `usual` name.
    """
    place = contents_of(source)
    if place is None or place.is_file():
        return place
    folder = place / subfolder
    if weight_name is None:
        # Of a repository of the hub, other files than those on this machine may be the only one.
        known = folder.iterdir() if source.kind != "hub" and folder.is_dir() else ()
        weight_name = only_or_usual((file.name for file in known), usual)
    if (folder / weight_name).is_file():
        return folder / weight_name
    if source.kind == "hub":
        return None
    names = sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*.safetensors"))
    where = f"{subfolder} of {source.pretrained}" if subfolder else source.pretrained
    there = f" ({', '.join(names[:10])})" if names else ""
    return Finding(
        path=(*field, "weight_name"),
        found=f"there is no {weight_name} in {where}",
        allowed=f"allowed: a .safetensors file there{there}",
        hint=did_you_mean(weight_name, names),
    )


_PART = "image_encoder"
_UNLESS_NAMED = Written.model_fields["image_encoder_folder"].default


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedEncoder:
    """Its folder, None where that is not on this machine yet, in the source of the model or of the first adapter."""

    folder: Path | None
    source: ModelSource
    is_models: bool

    @property
    def owner(self) -> str:
        """Whose it is, in words."""
        return "the model" if self.is_models else "the first adapter"


def shared_encoder(adapters: Sequence[IpAdapter], source: ModelSource, model: Architecture) -> SharedEncoder:
    """Return the model's own, or else the first adapter's."""
    if model.components and _PART in model.components:
        place = contents_of(source)
        return SharedEncoder(folder=place and place / _PART, source=source, is_models=True)
    return SharedEncoder(folder=_folder(adapters[0]), source=adapters[0].source, is_models=False)


def encoder_findings(adapters: Sequence[IpAdapter], shared: SharedEncoder) -> Iterator[Finding]:
    """Yield every adapter whose image encoder is not there though named, or is another than the one that is shared.

    One that names none is taken to know the shared one, if that is in its own source.
    """
    for number, adapter in enumerate(adapters):
        field = ("model", "ip_adapters", number, "image_encoder_folder")
        folder, is_local = _folder(adapter), adapter.source.kind != "hub"
        is_shared = number == 0 and not shared.is_models
        is_there = folder is not None and (folder / "config.json").is_file()
        is_named = adapter.image_encoder_folder != _UNLESS_NAMED
        if is_local and not is_there and (is_shared or is_named):
            yield Finding(
                path=field,
                found=f"there is no image encoder in {encoder_folder(adapter)} of {adapter.source.pretrained}",
                allowed="needed: the folder of one, within subfolder, or from the top where its name holds a slash",
            )
        elif (is_named or adapter.source != shared.source) and _differ(folder, shared.folder):
            yield Finding(
                path=field,
                found=f"{encoder_folder(adapter)} of {adapter.source.pretrained} is another image encoder than "
                f"that of {shared.owner}, through which all see",
                allowed="allowed: IP-Adapters that were trained with the same one, of which the same is named",
            )


def _folder(adapter: IpAdapter) -> Path | None:
    place = contents_of(adapter.source)
    return place / encoder_folder(adapter) if place else None


def _differ(one: Path | None, other: Path | None) -> bool:
    """Whether the weights of both are here, and have no file in common."""
    if one is None or other is None or one == other:
        return False
    own, wanted = _weights(one), _weights(other)
    return bool(own) and bool(wanted) and own.isdisjoint(wanted)


def _weights(folder: Path) -> set[str]:
    return {_digest(file) for file in folder.glob("*.safetensors") if file.is_file()}


def _digest(file: Path) -> str:
    # In the hub's cache a file of weights is a link to what has its SHA-256 for a name.
    blob = file.resolve()
    return blob.name if blob.parent.name == "blobs" else content_sha256(file)


_EYES = {"proj.weight": "projection_dim", "proj_in.weight": "hidden_size"}
"""What of the image encoder a plain adapter takes, and what a plus one."""


def ip_adapter_findings(
    adapters: Sequence[IpAdapter], source: ModelSource, model: Architecture
) -> Iterator[Finding]:
    """Yield what is wrong with IP-Adapters; nothing of those of the hub that are not on this machine yet."""
    if not adapters:
        return
    shared = shared_encoder(adapters, source, model)
    yield from encoder_findings(adapters, shared)
    encoder = (shared.folder and read_settings(shared.folder / "config.json")) or {}
    for number, adapter in enumerate(adapters):
        field = ("model", "ip_adapters", number)
        file = find_weights(
            field, adapter.source, adapter.weight_name, usual=adapter.weight_name, subfolder=adapter.subfolder
        )
        if isinstance(file, Finding):
            yield file
        elif isinstance(file, Path):
            clauses = _clauses(read_shapes(file), model, encoder)
            yield from misfit(
                (*field, "weight_name"),
                clauses,
                "an IP-Adapter for a model of this kind, and its image encoder",
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


_NAMELESS = {*ENCODER_OF, "emb_params"}
"""What a file holds that does not say its word; the last as AUTOMATIC1111's web interface writes it."""


def inversion_findings(inversions: Sequence[TextualInversion], model: Architecture) -> Iterator[Finding]:
    """Yield what is wrong with learned words; nothing of those of the hub that are not on this machine yet."""
    taught: set[tuple[str, str]] = set()
    for number, inversion in enumerate(inversions):
        field: FieldPath = ("model", "textual_inversions", number)
        file = find_weights(field, inversion.source, inversion.weight_name, usual=USUAL_WORD)
        if isinstance(file, Finding):
            yield file
        elif isinstance(file, Path):
            shapes = read_shapes(file)
            clauses = list(_inversion_clauses(shapes, model))
            yield from misfit(
                (*field, "pretrained"), clauses, "words learned with this model's text encoders"
            )
            if not clauses:
                word = word_of(inversion, shapes)
                yield from _word_findings(field, {(encoder, word) for encoder in _encoders(shapes)}, taught)


def word_of(inversion: TextualInversion, shapes: Mapping[str, Shape]) -> str:
    """Return the word that the manifest gives or else the file names; nothing where neither does."""
    named = next(iter(shapes), "")
    return inversion.token or ("" if named in _NAMELESS else named)


def _word_findings(
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


def lora_findings(field: FieldPath, lora: Lora, model: Architecture) -> Iterator[Finding]:
    """Yield what is wrong with a LoRA; nothing where the hub's is not on this machine yet."""
    file = find_weights(field, lora.source, lora.weight_name, usual=USUAL_LORA)
    if isinstance(file, Finding):
        yield file
    elif isinstance(file, Path):
        clauses = _lora_clauses(read_lora(read_shapes(file)), model)
        yield from misfit((*field, "pretrained"), clauses, "a LoRA trained for a model of this kind")


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
