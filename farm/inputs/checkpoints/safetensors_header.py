"""Reads and checks the header of a `.safetensors` file before anything loads it. Needs no torch."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from farm.errors import ModelError
from farm.inputs.checkpoints.bounded_json import open_regular, parse_json

METADATA_KEY = "lora_adapter_metadata"
"""The header key under which diffusers writes a LoRA's settings."""

_MAX_TEXT = 1_000_000
_PLAIN_NAME = re.compile(r"\^?[\w.\\-]{1,1000}\$?", re.ASCII)
"""The name of a module. PEFT uses names as regular expressions; without repetitions they match fast."""

_NAMES = ("target_modules", "exclude_modules", "modules_to_save", "layers_to_transform", "layers_pattern")
_PATTERNS = ("rank_pattern", "alpha_pattern")
_LOADS = (
    "base_model_name_or_path",
    "revision",
    "auto_mapping",
    "megatron_config",
    "layer_replication",
    "loftq_config",
)
"""Settings that name another model or a module to import, or that change the model before the adapter is added."""

_PLAIN_STARTS = (True, False, None, "gaussian")
"""Initializations that the loaded weights overwrite; others make PEFT read or compute something."""


def metadata_mistake(text: str) -> str:
    """Return the mistake in a LoRA's settings, as a predicate; empty if there is none."""
    if len(text) > _MAX_TEXT:
        return f"has {len(text)} characters, at most {_MAX_TEXT} are read"
    try:
        settings = parse_json(text, finite=True)
    except ValueError:
        return "is not what diffusers writes"
    if not isinstance(settings, dict):
        return "is not what diffusers writes"
    for name, value in settings.items():
        if not _is_plain(name.rpartition(".")[2], value):
            return f"sets {name[:100]!r}, which is more than plain weights"
    return ""


def _is_plain(name: str, value: Any) -> bool:
    if name in _LOADS:
        return not value
    if name in _NAMES:
        return all(map(_is_name, value if isinstance(value, list) else [value]))
    if name in _PATTERNS:
        return value is None or (isinstance(value, Mapping) and all(map(_is_name, value)))
    if name == "megatron_core":
        return value in (
            None,
            "megatron.core",
        )  # PEFT's default; any other value is a module to import
    return name != "init_lora_weights" or value in _PLAIN_STARTS


def _is_name(value: object) -> bool:
    return (
        value is None
        or isinstance(value, int)
        or (isinstance(value, str) and _PLAIN_NAME.fullmatch(value) is not None)
    )


Shape = tuple[int, ...]

MAX_HEADER = 16 * 2**20
"""Maximum bytes of a header. SDXL's, with about 2500 tensors, has 0.3 MB; safetensors itself would read 100 MB."""

MAX_TENSORS = 100_000
MAX_NAME = 1000
"""Maximum characters of a tensor's name."""
_MAX_DIMENSIONS = 16
_MAX_SIZE = 2**48
"""Maximum size of a dimension, and maximum bytes of a tensor."""

_PICKLES = {b"\x80": "a pickle", b"PK": "a zip file, like PyTorch's pickles"}
_MALFORMED = "its header is not what safetensors writes"


def check_weights(file: Path) -> None:
    """Check, by its header, that a file is complete and in safetensors format.

    Raises:
        ModelError: when it is not, or its settings need more than plain weights.
        OSError: when it cannot be read.
    """
    read_header(file)


def read_header(file: Path) -> Mapping[str, Shape]:
    """Return the shapes of a safetensors file's tensors by name, from its header.

    The format: the header's length in 8 bytes, little endian; the header in JSON; the tensors.

    Raises:
        ModelError: when the file is not in this format, or its settings need more than plain weights.
        OSError: when it cannot be read.
    """
    with open_regular(file) as stream:
        size = stream.seek(0, 2)
        stream.seek(0)
        start = stream.read(9)
        length = int.from_bytes(start[:8], "little")
        if start[8:] != b"{" or length > size - 8:
            kind = next((kind for magic, kind in _PICKLES.items() if start.startswith(magic)), "")
            raise _invalid(file, f"it is {kind}" if kind else f"its {size} bytes do not begin with a header")
        if length > MAX_HEADER:
            raise _invalid(file, f"its header has {length} bytes, at most {MAX_HEADER} are read")
        stream.seek(8)
        tensors = _parsed(file, stream.read(length))
    metadata = tensors.pop("__metadata__", None)
    _check_names(file, tensors)
    ends = [_end(file, tensor) for tensor in tensors.values()]
    described = max(ends, default=0)
    if described != size - 8 - length:
        raise _invalid(file, f"it has {size} bytes, but its header describes {described + 8 + length}")
    _check_metadata(file, metadata)
    return {name: _shape(file, tensor) for name, tensor in tensors.items()}


def _parsed(file: Path, header: bytes) -> dict[str, Any]:
    try:
        tensors = parse_json(header, finite=True)
    except ValueError:
        raise _invalid(file, _MALFORMED) from None
    if not isinstance(tensors, dict):
        raise _invalid(file, _MALFORMED)
    return tensors


def _check_names(file: Path, tensors: Mapping[str, Any]) -> None:
    if len(tensors) > MAX_TENSORS:
        raise _invalid(file, f"it has {len(tensors)} tensors, at most {MAX_TENSORS} are read")
    longest = max(map(len, tensors), default=0)
    if longest > MAX_NAME:
        raise _invalid(file, f"a tensor's name has {longest} characters, at most {MAX_NAME} are read")


def _end(file: Path, tensor: Any) -> int:
    """Return the offset at which a tensor ends."""
    match tensor:
        case {"data_offsets": [int(begin), int(end)]} if 0 <= begin <= end <= _MAX_SIZE:
            return end
    raise _invalid(file, _MALFORMED)


def _shape(file: Path, tensor: Mapping[str, Any]) -> Shape:
    shape = tensor.get("shape")
    if not isinstance(shape, list) or len(shape) > _MAX_DIMENSIONS:
        raise _invalid(file, _MALFORMED)
    if not all(type(size) is int and 0 <= size <= _MAX_SIZE for size in shape):
        raise _invalid(file, _MALFORMED)
    return tuple(shape)


def _check_metadata(file: Path, metadata: Any) -> None:
    if metadata is None:
        return
    if not isinstance(metadata, dict) or not all(isinstance(text, str) for text in metadata.values()):
        raise _invalid(file, _MALFORMED)
    mistake = metadata_mistake(metadata[METADATA_KEY]) if METADATA_KEY in metadata else ""
    if mistake:
        raise ModelError(f"{file} is not a plain LoRA: its {METADATA_KEY} {mistake}")


def _invalid(file: Path, why: str) -> ModelError:
    return ModelError(f"{file} is not a safetensors file: {why}")
