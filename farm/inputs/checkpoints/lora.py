"""For what a LoRA was trained, by the names and shapes of its weights. Needs no torch."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

from farm.inputs.checkpoints.safetensors_header import Shape
from farm.records import IpAdapter

_DOWN = re.compile(r"_lora\d?_(linear_layer_)?(A|down)(_default)?_weight\Z")
"""What the name of a matrix ends with. These are all read in one pass: whoever makes a file names its tensors."""
_ADAPTER = re.compile(r"lora|lokr|hada")
"""A LoRA or a kin of it, however it is named."""
_TEXT = re.compile(r"(text_encoders?|lora_te)(_?[123])?_")
_UNET = re.compile(r"(?:\A|_)(?:(?:down|up|input|output)_blocks|mid_block|middle_block)_")
_TRANSFORMER = re.compile(r"(?:\A|_)(?:layers|blocks)_\d+_")
_CONTEXT = re.compile(r"_attn2_(processor_)?to_[kv]\Z")
_QUERIES = re.compile(r"_(attn[12]?|attention)_(processor_)?(to_q|qkv)\Z")
_WORDS = "_q_proj"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoraShapes:
    """What the parts that a LoRA changes take: how many numbers of a word and of a picture's token, as told.

    `context` is of cross-attention in a UNet, `tokens` of attention in a UNet or transformer, `words` of attention in
    text encoders, by name.
    """

    net: Literal["unet", "transformer"] | None
    context: frozenset[int]
    tokens: frozenset[int]
    words: Mapping[str, frozenset[int]]


def read_lora(shapes: Mapping[str, Shape]) -> LoraShapes | None:
    """Return for what these weights were trained, as diffusers, PEFT or kohya's scripts name them; None if no LoRA."""
    # kohya's names have underscores for dots; a matrix is [rank, what it takes, ...].
    flat = {name.replace(".", "_"): shape for name, shape in shapes.items()}
    takes = {
        name[: match.start()]: shape[1]
        for name, shape in flat.items()
        if (match := _DOWN.search(name)) and len(shape) > 1
    }
    if not takes and not any(map(_ADAPTER.search, shapes)):
        return None
    nets = {name: width for name, width in takes.items() if not _TEXT.match(name)}
    is_unet = any(map(_UNET.search, nets))
    is_transformer = any(map(_TRANSFORMER.search, nets))
    return LoraShapes(
        net="unet" if is_unet else "transformer" if is_transformer else None,
        context=_widths(nets, _CONTEXT) if is_unet else frozenset(),
        tokens=_widths(nets, _QUERIES),
        words=_words(takes),
    )


def _widths(takes: Mapping[str, int], part: re.Pattern[str]) -> frozenset[int]:
    return frozenset(width for name, width in takes.items() if part.search(name))


def _words(takes: Mapping[str, int]) -> Mapping[str, frozenset[int]]:
    encoders: dict[str, set[int]] = {}
    for name, width in takes.items():
        match = _TEXT.match(name)
        if match and match[1] != "text_encoders" and name.endswith(_WORDS):
            number = (match[2] or "").strip("_")
            encoder = f"text_encoder_{number}" if number in ("2", "3") else "text_encoder"
            encoders.setdefault(encoder, set()).add(width)
    return {encoder: frozenset(widths) for encoder, widths in encoders.items()}


USUAL_LORA = "pytorch_lora_weights.safetensors"
USUAL_WORD = "learned_embeds.safetensors"
"""As diffusers names the files of a LoRA and of a learned word."""

ENCODER_OF = {"clip_l": "text_encoder", "clip_g": "text_encoder_2"}
"""The text encoder that a part of a learned word is for, as files for Stable Diffusion XL name their parts."""


def only_or_usual(names: Iterable[str], usual: str) -> str:
    """Return the file that is meant where none is named: the only safetensors there, or one of the usual name."""
    weights = [name for name in names if name.endswith(".safetensors") and "/" not in name]
    return weights[0] if len(weights) == 1 else usual


def encoder_folder(adapter: IpAdapter) -> str:
    """Return the folder of an IP-Adapter's image encoder in its source, as diffusers reads the name."""
    named = adapter.image_encoder_folder
    return named if "/" in named else PurePosixPath(adapter.subfolder, named).as_posix()
