"""What a `.safetensors` file says of itself, looked at before anything loads it. Needs no torch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from farm.errors import ModelError

MAX_HEADER = 16 * 2**20
"""Bytes. That of SDXL, with some 2500 tensors, has 0.3 MB; safetensors itself would read 100 MB."""

_PICKLES = {b"\x80": "a pickle", b"PK": "a zip file, as PyTorch's pickles are"}


def check_weights(file: Path) -> None:
    """Look whether a file is safetensors and whole, by its header alone.

    The format: 8 bytes of length, little endian; so many bytes of JSON; the tensors, in full.

    Raises:
        ModelError: when it is not.
        OSError: when it cannot be read.
    """
    size = file.stat().st_size
    with file.open("rb") as stream:
        start = stream.read(9)
        length = int.from_bytes(start[:8], "little")
        if start[8:] != b"{" or length > size - 8:
            kind = next((kind for magic, kind in _PICKLES.items() if start.startswith(magic)), "")
            raise _refusal(file, f"it is {kind}" if kind else f"its {size} bytes do not begin with a header")
        if length > MAX_HEADER:
            raise _refusal(file, f"its header has {length} bytes, up to {MAX_HEADER} are read")
        stream.seek(8)
        header = _parsed(stream.read(length))
    if header is None:
        raise _refusal(file, "its header is not what safetensors writes")
    if header != size - 8 - length:
        raise _refusal(file, f"it has {size} bytes, and its header speaks of {header + 8 + length}")


def _parsed(header: bytes) -> int | None:
    """Return how many bytes of tensors a header speaks of, or None if it is not a header."""
    try:
        tensors: dict[str, Any] = json.loads(header)
        spans = [tensor["data_offsets"] for name, tensor in tensors.items() if name != "__metadata__"]
        ends = [end for begin, end in spans if 0 <= begin <= end]
        return max(ends, default=0) if len(ends) == len(spans) else None
    except (ValueError, TypeError, KeyError, RecursionError):
        return None


def _refusal(file: Path, why: str) -> ModelError:
    return ModelError(f"{file} is no safetensors file: {why}")
