"""What a checkpoint's files say of themselves: configuration and the shapes of weights. Needs no torch."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from farm.errors import ModelError
from farm.records import ModelSource
from farm.render.checkpoints.bounded_json import read_json
from farm.render.checkpoints.hub_cache import cached_snapshot
from farm.render.checkpoints.source import local_path
from farm.render.checkpoints.weights_file import Shape, read_header


def contents_of(source: ModelSource) -> Path | None:
    """Return a checkpoint's folder, or its file, on this machine; None where it is not here yet."""
    if source.kind != "hub":
        return Path(local_path(source))
    return cached_snapshot(source.location, source.revision)


def read_settings(file: Path) -> dict[str, Any] | None:
    """Return what a JSON file says, or None where it is not there or not an object."""
    try:
        settings = read_json(file)
    except (OSError, ModelError):
        return None
    return settings if isinstance(settings, dict) else None


def read_shapes(file: Path) -> Mapping[str, Shape]:
    """Return the shapes of a safetensors file's tensors by name, from its header; none where it has no such header."""
    try:
        return read_header(file)
    except (OSError, ModelError):
        return {}
