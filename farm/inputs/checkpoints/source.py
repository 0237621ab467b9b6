"""Locates a checkpoint: a shipped name, a folder, a single file, or a hub id pinned to a commit. Needs no torch."""

from __future__ import annotations

import hashlib
import os
import platform
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from farm import models
from farm.errors import ModelError
from farm.inputs.checkpoints.hub_cache import cached_snapshot
from farm.inputs.checkpoints.layout import INDEX, Holds, data_files
from farm.inputs.checkpoints.safetensors_header import check_weights
from farm.inputs.digest import content_sha256
from farm.records import ModelSource

_HUB_ID = re.compile(r"(?!.*(--|\.\.))\w([\w.-]*\w)?/\w([\w.-]*\w)?(?<!\.git)", re.ASCII)
"""Matches repository ids that huggingface_hub accepts."""

_MAX_HUB_ID_LENGTH = 96
_MAX_PATH_BYTES, _MAX_NAME_BYTES = 4000, 255
"""Limits of file systems, in bytes."""


def find_source(
    pretrained: str, revision: str | None, base: Path, *, holds: Holds = "pipeline"
) -> ModelSource | None:
    """Return the checkpoint that a manifest names, or None if there is none; paths are relative to `base`.

    The fingerprint of a folder or file is a SHA-256 of its weights, configuration and vocabulary files. A hub id needs
    a full commit and is not looked up on the hub; its files in the hub's cache are checked like a folder.

    Raises:
        ModelError: when a folder or file of this name is not a checkpoint, cannot be read, or has a `revision`, which
            only hub repositories have.
    """
    try:
        return _find(pretrained, revision, base, holds)
    except OSError as error:
        raise ModelError(f"{pretrained} cannot be read: {error}") from error


def local_path(source: ModelSource) -> str:
    """Return the folder or file on this machine of a checkpoint that is not a hub repository.

    Raises:
        ModelError: when the farm installed on this machine does not include the shipped checkpoint.
    """
    if source.kind != "shipped":
        return source.location
    shipped = models.find(source.location)
    if shipped is None:
        raise ModelError(
            f"{source.location}: the farm installed on this machine does not include it; update the farm."
        )
    return str(shipped.path)


def check_unchanged(source: ModelSource, *, holds: Holds = "pipeline") -> None:
    """Check, after loading, that the files on this machine still have the fingerprint of `source`.

    They may have changed in the meantime, or differ on another machine of a cluster.

    Raises:
        ModelError: when they differ, or cannot be read.
    """
    if source.kind == "hub":
        return
    path = Path(local_path(source))
    files = [path] if path.is_file() else data_files(path, holds)
    if _fingerprint(files, path) != source.fingerprint:
        raise ModelError(
            f"{source.pretrained}: its files on {platform.node()} differ from the files at the start of this run. Use "
            "the same files on every machine, do not change them during a run, and run again."
        )


def _find(pretrained: str, revision: str | None, base: Path, holds: Holds) -> ModelSource | None:
    shipped = models.find(pretrained)
    if shipped is not None:
        if holds == "pipeline" and shipped.kind != "pipeline":
            raise ModelError(f"{pretrained} is a {shipped.architecture}, not a pipeline")
        return _local(pretrained, "shipped", pretrained, shipped.path, data_files(shipped.path, holds))
    path = _path(pretrained, base)
    is_hub_id = _HUB_ID.fullmatch(pretrained) is not None and len(pretrained) <= _MAX_HUB_ID_LENGTH
    if path is not None and (path.is_dir() or (path.suffix == ".safetensors" and path.is_file())):
        if revision:
            raise ModelError(_why_ambiguous(pretrained, path, is_hub_id=is_hub_id))
        if path.is_dir():
            return _local(pretrained, "folder", str(path), path, data_files(path, holds))
        check_weights(path)
        return _local(pretrained, "file", str(path), path, [path])
    if is_hub_id and revision:
        _check_cached(pretrained, revision, holds)
        return ModelSource(
            pretrained=pretrained,
            kind="hub",
            location=pretrained,
            revision=revision,
            fingerprint=hashlib.sha256(f"{pretrained}@{revision}".encode()).hexdigest(),
        )
    return None


def _path(pretrained: str, base: Path) -> Path | None:
    """Return the path that a name denotes; None for another user's home folder, and for an invalid path."""
    if pretrained.startswith("~") and not pretrained.startswith("~/"):
        return None
    if "\0" in pretrained or len(os.fsencode(pretrained)) > _MAX_PATH_BYTES or _has_long_name(pretrained):
        return None
    try:
        # Not resolved: files in the hub's cache are links to blobs without a suffix.
        return (base / Path(pretrained).expanduser()).absolute()
    except RuntimeError:  # no home folder
        return None


def _has_long_name(path: str) -> bool:
    return any(len(os.fsencode(name)) > _MAX_NAME_BYTES for name in path.split("/"))


def _why_ambiguous(pretrained: str, path: Path, *, is_hub_id: bool) -> str:
    kind = "folder" if path.is_dir() else "file"
    if is_hub_id:
        return (
            f"{pretrained} is a {kind} next to the manifest, and with a revision also the id of a hub repository: "
            f"write ./{pretrained} without revision for the {kind}, or move the {kind} to use the repository"
        )
    return f"{pretrained} is a {kind}, which has no revision: remove the revision"


def _check_cached(hub_id: str, revision: str, holds: Holds) -> None:
    snapshot = cached_snapshot(hub_id, revision)
    if snapshot is not None and (holds != "pipeline" or (snapshot / INDEX).is_file()):
        data_files(snapshot, holds)


def _local(
    pretrained: str,
    kind: Literal["shipped", "folder", "file"],
    location: str,
    path: Path,
    files: Iterable[Path],
) -> ModelSource:
    return ModelSource(
        pretrained=pretrained,
        kind=kind,
        location=location,
        revision="",
        fingerprint=_fingerprint(files, path),
    )


def _fingerprint(files: Iterable[Path], root: Path) -> str:
    digest = hashlib.sha256()
    for file in files:
        digest.update(f"{file.relative_to(root).as_posix()}\n{content_sha256(file)}\n".encode())
    return digest.hexdigest()
