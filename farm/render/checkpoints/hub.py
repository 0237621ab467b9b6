"""The hub of models: whether it may be asked, and a pinned repository on this machine."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from huggingface_hub import list_repo_files, snapshot_download

from farm.records import ModelSource
from farm.render.checkpoints.adapter_files import only_or_usual
from farm.render.checkpoints.source import local_path


def is_offline() -> bool:
    """Tell whether the user forbids asking the hub, in one of the words that huggingface_hub takes for yes."""
    return os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE")


def snapshot(source: ModelSource, files: Sequence[str]) -> str:
    """Return the folder of a source, with its `files` (names or patterns) as of its commit.

    diffusers takes some parts, such as image encoders and configurations, from the main branch, whatever it is told.

    Raises:
        LocalEntryNotFoundError: when the hub must or can not be asked, and they are not in its cache.
    """
    if source.kind != "hub":
        return local_path(source)
    return snapshot_download(
        source.location, revision=source.revision, allow_patterns=list(files), local_files_only=is_offline()
    )


def weight_name(source: ModelSource, written: str | None, usual: str) -> str:
    """Return the name of an adapter's file in its folder or repository: as written, of the only one, or the usual.

    diffusers would look for it on the hub's main branch, whatever the commit, and offline not at all.
    """
    if written:
        return written
    if source.kind == "hub" and not is_offline():
        there = list_repo_files(source.location, revision=source.revision)
    else:
        there = [file.name for file in Path(snapshot(source, ["*.safetensors"])).iterdir()]
    return only_or_usual(there, usual)
