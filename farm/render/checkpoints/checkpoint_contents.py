"""What a checkpoint's files say of themselves: configuration and the shapes of weights. Needs no torch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from huggingface_hub import constants
from huggingface_hub.file_download import repo_folder_name

from farm.records import ModelSource
from farm.render.checkpoints.source import local_path
from farm.render.checkpoints.weights_file import MAX_HEADER

Shape = tuple[int, ...]


def contents_of(source: ModelSource) -> Path | None:
    """Return a checkpoint's folder, or its file, on this machine; None where it is not here yet."""
    if source.kind != "hub":
        return Path(local_path(source))
    repository = repo_folder_name(repo_id=source.location, repo_type="model")
    snapshot = Path(constants.HF_HUB_CACHE) / repository / "snapshots" / source.revision
    return snapshot if snapshot.is_dir() else None


def read_settings(file: Path) -> dict[str, Any] | None:
    """Return what a JSON file says, or None where it is not there or not an object."""
    try:
        settings = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return settings if isinstance(settings, dict) else None


def read_shapes(file: Path) -> Mapping[str, Shape]:
    """Return the shapes of a safetensors file's tensors by name, from its header; none where it has no such header."""
    try:
        with file.open("rb") as stream:
            length = int.from_bytes(stream.read(8), "little")
            header = json.loads(stream.read(length)) if length <= MAX_HEADER else {}
        return {
            name: tuple(map(int, tensor["shape"]))
            for name, tensor in header.items()
            if name != "__metadata__"
        }
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return {}
