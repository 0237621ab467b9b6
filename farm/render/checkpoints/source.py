"""Where a checkpoint is: a shipped name, a folder, a single file, or a hub id pinned to a commit. Needs no torch."""

from __future__ import annotations

import hashlib
import platform
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from farm import models
from farm.errors import ModelError
from farm.records import ModelSource
from farm.render.checkpoints.checkpoint_folder import data_files
from farm.render.checkpoints.weights_file import check_weights
from farm.render.pictures.file_digest import content_sha256

_HUB_ID = re.compile(r"(?!.*(--|\.\.))\w([\w.-]*\w)?/\w([\w.-]*\w)?(?<!\.git)", re.ASCII)
"""As huggingface_hub takes them."""

_LONGEST_HUB_ID = 96


def find_source(
    pretrained: str, revision: str | None, base: Path, *, holds: Literal["pipeline", "adapter"] = "pipeline"
) -> ModelSource | None:
    """Find a checkpoint by what a manifest says, or return None; paths are relative to `base`.

    The fingerprint of a folder or file is a SHA-256 of its weights, configuration and vocabulary files. A hub
    id is taken at its word, the hub is not asked; it needs its full commit.

    Raises:
        ModelError: when there is a folder or file of this name that is no checkpoint, or cannot be read.
    """
    try:
        return _find(pretrained, revision, base, holds)
    except (OSError, RuntimeError) as error:  # RuntimeError: there is no home folder of that user
        raise ModelError(f"{pretrained} cannot be read: {error}") from error


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


def check_unchanged(source: ModelSource, *, holds: Literal["pipeline", "adapter"] = "pipeline") -> None:
    """Make sure that the files on this machine are those that `source` was found as; after they were loaded.

    They may have been changed meanwhile, or be others on another machine of a cluster.

    Raises:
        ModelError: when they are others, or cannot be read.
    """
    if source.kind == "hub":
        return
    path = Path(local_path(source))
    files = [path] if path.is_file() else data_files(path, holds)
    if _fingerprint(files, path) != source.fingerprint:
        raise ModelError(
            f"{source.pretrained}: its files on {platform.node()} are not those that this run began with. Have the "
            "same files on every machine, leave them alone while they are rendered with, and run again."
        )


def _find(
    pretrained: str, revision: str | None, base: Path, holds: Literal["pipeline", "adapter"]
) -> ModelSource | None:
    shipped = models.find(pretrained)
    if shipped is not None:
        if holds == "pipeline" and shipped.kind != "pipeline":
            raise ModelError(f"{pretrained} is a {shipped.architecture}, not a pipeline")
        return _local(pretrained, "shipped", pretrained, shipped.path, data_files(shipped.path, holds))
    # Not resolved: the files of a hub cache are links to blobs without a suffix.
    path = (base / Path(pretrained).expanduser()).absolute()
    if path.is_dir():
        return _local(pretrained, "folder", str(path), path, data_files(path, holds))
    if path.suffix == ".safetensors" and path.is_file():
        check_weights(path)
        return _local(pretrained, "file", str(path), path, [path])
    if _HUB_ID.fullmatch(pretrained) and len(pretrained) <= _LONGEST_HUB_ID and revision:
        return ModelSource(
            pretrained=pretrained,
            kind="hub",
            location=pretrained,
            revision=revision,
            fingerprint=hashlib.sha256(f"{pretrained}@{revision}".encode()).hexdigest(),
        )
    return None


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
    whole = hashlib.sha256()
    for file in files:
        whole.update(f"{file.relative_to(root).as_posix()}\n{content_sha256(file)}\n".encode())
    return whole.hexdigest()
