"""Reads the headers of adapter files (LoRA, IP-Adapter, textual inversion). Needs no torch."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from farm.inputs.checkpoints.info import contents_of, read_settings, read_shapes
from farm.inputs.checkpoints.safetensors_header import Shape
from farm.inputs.digest import content_sha256
from farm.records import IpAdapterSpec, ModelSource, TextualInversionSpec

_DOWN = re.compile(r"_lora\d?_(linear_layer_)?(A|down)(_default)?_weight\Z")
"""The end of a matrix's name. Matching takes linear time, since names come from untrusted files."""
_ADAPTER = re.compile(r"lora|lokr|hada")
"""Part of every name in a LoRA or one of its variants."""
_TEXT = re.compile(r"(text_encoders?|lora_te)(_?[123])?_")
_UNET = re.compile(r"(?:\A|_)(?:(?:down|up|input|output)_blocks|mid_block|middle_block)_")
_TRANSFORMER = re.compile(r"(?:\A|_)(?:layers|blocks)_\d+_")
_CONTEXT = re.compile(r"_attn2_(processor_)?to_[kv]\Z")
_QUERIES = re.compile(r"_(attn[12]?|attention)_(processor_)?(to_q|qkv)\Z")
_WORDS = "_q_proj"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoraShapes:
    """The input widths of the layers that a LoRA changes, and the kind of denoiser it was trained for, if known.

    `context` is of cross-attention in a UNet, `tokens` of attention in a UNet or transformer, `words` of attention in
    text encoders, by name.
    """

    net: Literal["unet", "transformer"] | None
    context: frozenset[int]
    tokens: frozenset[int]
    words: Mapping[str, frozenset[int]]


def read_lora(shapes: Mapping[str, Shape]) -> LoraShapes | None:
    """Return the shapes of a LoRA with names as in diffusers, PEFT or kohya's scripts; None for other weights."""
    # kohya's names have underscores for dots; the shape of a matrix is [rank, input width, ...].
    flat = {name.replace(".", "_"): shape for name, shape in shapes.items()}
    input_widths = {
        name[: match.start()]: shape[1]
        for name, shape in flat.items()
        if (match := _DOWN.search(name)) and len(shape) > 1
    }
    if not input_widths and not any(map(_ADAPTER.search, shapes)):
        return None
    nets = {name: width for name, width in input_widths.items() if not _TEXT.match(name)}
    is_unet = any(map(_UNET.search, nets))
    is_transformer = any(map(_TRANSFORMER.search, nets))
    return LoraShapes(
        net="unet" if is_unet else "transformer" if is_transformer else None,
        context=_widths(nets, _CONTEXT) if is_unet else frozenset(),
        tokens=_widths(nets, _QUERIES),
        words=_words(input_widths),
    )


def _widths(input_widths: Mapping[str, int], part: re.Pattern[str]) -> frozenset[int]:
    return frozenset(width for name, width in input_widths.items() if part.search(name))


def _words(input_widths: Mapping[str, int]) -> Mapping[str, frozenset[int]]:
    encoders: dict[str, set[int]] = {}
    for name, width in input_widths.items():
        match = _TEXT.match(name)
        if match and match[1] != "text_encoders" and name.endswith(_WORDS):
            number = (match[2] or "").strip("_")
            encoder = f"text_encoder_{number}" if number in ("2", "3") else "text_encoder"
            encoders.setdefault(encoder, set()).add(width)
    return {encoder: frozenset(widths) for encoder, widths in encoders.items()}


USUAL_LORA = "pytorch_lora_weights.safetensors"
USUAL_EMBEDDING = "learned_embeds.safetensors"
"""Default file names of LoRAs and textual inversions in diffusers."""

ENCODER_OF = {"clip_l": "text_encoder", "clip_g": "text_encoder_2"}
"""The text encoder of each tensor in a textual inversion for Stable Diffusion XL."""


def only_or_usual(names: Iterable[str], usual: str) -> str:
    """Return the default file: the only .safetensors among `names`, else the usual name."""
    weights = [name for name in names if name.endswith(".safetensors") and "/" not in name]
    return weights[0] if len(weights) == 1 else usual


def encoder_folder(adapter: IpAdapterSpec) -> str:
    """Return the folder of an IP-Adapter's image encoder in its source, as diffusers resolves its name."""
    named = adapter.image_encoder_folder
    return named if "/" in named else PurePosixPath(adapter.subfolder, named).as_posix()


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingFile:
    """A weights file missing from a local checkpoint: `name` in `folder` (as in messages), which contains `files`."""

    name: str
    folder: str
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AdapterWeights:
    """The shapes of an adapter's tensors by name; None if its file is not on this machine yet, or is `missing`."""

    shapes: Mapping[str, Shape] | None = None
    missing: MissingFile | None = None


def read_adapter(
    source: ModelSource, weight_name: str | None, *, usual: str, subfolder: str = ""
) -> AdapterWeights:
    """Read the header of an adapter's weights file.

    Without a `weight_name`, read the only file of the folder, or the one with the `usual` name.
    """
    root = contents_of(source)
    if root is None:
        return AdapterWeights()
    if root.is_file():
        return AdapterWeights(shapes=read_shapes(root))
    folder = root / subfolder
    if weight_name is None:
        # A hub repository may contain more files than its cached snapshot.
        siblings = folder.iterdir() if source.kind != "hub" and folder.is_dir() else ()
        weight_name = only_or_usual((file.name for file in siblings), usual)
    if (folder / weight_name).is_file():
        return AdapterWeights(shapes=read_shapes(folder / weight_name))
    if source.kind == "hub":
        return AdapterWeights()
    files = tuple(sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*.safetensors")))
    where = f"{subfolder} of {source.pretrained}" if subfolder else source.pretrained
    return AdapterWeights(missing=MissingFile(name=weight_name, folder=where, files=files))


_UNNAMED = {*ENCODER_OF, "emb_params"}
"""Keys of textual-inversion files other than the token; AUTOMATIC1111's web interface writes `emb_params`."""


def token_of(inversion: TextualInversionSpec, shapes: Mapping[str, Shape]) -> str:
    """Return the token of an embedding: the manifest's, else the file's; empty if neither names one."""
    named = next(iter(shapes), "")
    return inversion.token or ("" if named in _UNNAMED else named)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageEncoder:
    """The image encoder in `folder`, None if that is not on this machine yet.

    `digests` are those of its weights files, empty unless there are several encoders to compare.
    """

    folder: Path | None
    exists: bool = False
    config: Mapping[str, Any]
    digests: frozenset[str] = frozenset()


def read_image_encoders(
    model: ModelSource, adapters: Sequence[IpAdapterSpec]
) -> tuple[ImageEncoder, tuple[ImageEncoder, ...]]:
    """Read the image encoder of the model, which may have none, and that of each adapter."""
    folders = [_folder(model, "image_encoder")]
    folders += [_folder(adapter.source, encoder_folder(adapter)) for adapter in adapters]
    are_several = len({folder for folder in folders if folder and folder.is_dir()}) > 1
    own, *others = (_image_encoder(folder, with_digests=are_several) for folder in folders)
    return own, tuple(others)


def _folder(source: ModelSource, name: str) -> Path | None:
    root = contents_of(source)
    return root / name if root else None


def _image_encoder(folder: Path | None, *, with_digests: bool) -> ImageEncoder:
    if folder is None:
        return ImageEncoder(folder=None, config={})
    files = folder.glob("*.safetensors") if with_digests else ()
    return ImageEncoder(
        folder=folder,
        exists=(folder / "config.json").is_file(),
        config=read_settings(folder / "config.json") or {},
        digests=frozenset(_digest(file) for file in files if file.is_file()),
    )


def _digest(file: Path) -> str:
    # In the hub's cache, a weights file is a link to a blob named by its SHA-256.
    blob = file.resolve()
    return blob.name if blob.parent.name == "blobs" else content_sha256(file)
