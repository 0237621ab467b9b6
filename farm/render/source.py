"""Where a checkpoint is: a shipped name, a folder, a single file, or a hub id pinned to a commit. Needs no torch."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from pathlib import Path

from farm import models
from farm.errors import ModelError
from farm.records import ModelSource

_HUB_ID = re.compile(r"[\w-][\w.-]*/[\w.-]+")
_DATA = {".safetensors", ".json", ".txt", ".model"}


def find_source(pretrained: str, revision: str | None, base: Path) -> ModelSource | None:
    """Find a checkpoint by what a manifest says, or return None; paths are relative to `base`.

    The fingerprint of a folder or file is a SHA-256 of its weights, configuration and vocabulary files. A hub
    id is taken at its word, the hub is not asked; it needs its full commit.
    """
    shipped = models.find(pretrained)
    if shipped is not None:
        return _local(pretrained, "shipped", pretrained, shipped.path)
    # Not resolved: the files of a hub cache are links to blobs without a suffix.
    path = (base / Path(pretrained).expanduser()).absolute()
    if path.is_dir():
        return _local(pretrained, "folder", str(path), path)
    if path.suffix == ".safetensors" and path.is_file():
        return _local(pretrained, "file", str(path), path)
    if _HUB_ID.fullmatch(pretrained) and revision:
        return ModelSource(
            pretrained=pretrained,
            kind="hub",
            location=pretrained,
            revision=revision,
            fingerprint=hashlib.sha256(f"{pretrained}@{revision}".encode()).hexdigest(),
        )
    return None


def local_path(source: ModelSource) -> str:
    """Return what `from_pretrained` takes on this machine: a path, or the hub id.

    Raises:
        ModelError: when a shipped checkpoint is not in this machine's copy of the farm.
    """
    if source.kind != "shipped":
        return source.location
    shipped = models.find(source.location)
    if shipped is None:
        raise ModelError(f"{source.location}: this machine's copy of the farm does not ship it; update it.")
    return str(shipped.path)


def _local(pretrained: str, kind: str, location: str, path: Path) -> ModelSource:
    files = [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.suffix in _DATA)
    return ModelSource(
        pretrained=pretrained,
        kind=kind,  # type: ignore[arg-type]  # one of the three local kinds
        location=location,
        revision="",
        fingerprint=_fingerprint(files, path),
    )


def _fingerprint(files: Iterable[Path], root: Path) -> str:
    whole = hashlib.sha256()
    for file in files:
        with file.open("rb") as stream:
            content = hashlib.file_digest(stream, "sha256").hexdigest()
        whole.update(f"{file.relative_to(root).as_posix()}\n{content}\n".encode())
    return whole.hexdigest()
