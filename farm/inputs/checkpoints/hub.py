"""Fetches a checkpoint's files to this machine, and checks them before any library reads one.

Only this module accesses the hub: it downloads the required data files of a pinned commit. The snapshot is then
checked and loaded like any other folder.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path, PurePosixPath

from farm.errors import ModelError
from farm.inputs.checkpoints.adapters import only_or_usual
from farm.inputs.checkpoints.layout import (
    DATA,
    INDEX,
    SETTINGS,
    Holds,
    RefusedFiles,
    check_names,
    data_files,
    read_index,
)
from farm.inputs.checkpoints.no_network import LOADING_LOCK
from farm.inputs.checkpoints.safetensors_header import check_weights
from farm.inputs.checkpoints.source import local_path
from farm.records import ModelSource

_WEIGHTS = re.compile(
    r"(?:model|diffusion_pytorch_model)(?:\.(?P<variant>[\w.-]+?))?(?:-\d{5}-of-\d{5})?(?:\.(?P<older>[\w.-]+))?"
    r"\.safetensors",
    re.ASCII,
)
"""File names of weights in transformers and diffusers, such as `model.fp16.safetensors`, in one file or in shards."""

_INDEXES = re.compile(r".+\.safetensors(\.[\w-]+)?\.index(\.[\w-]+)?\.json", re.ASCII)
_CONFIG = "config.json"


def pipeline_files(
    repository: str, names: Sequence[str], parts: Sequence[str], variant: str | None, *, weights: bool = True
) -> list[str]:
    """Return the files of a pipeline's `parts`; without `weights`, only configuration and vocabulary.

    Raises:
        ModelError: when a part contains code or an adapter's configuration, or only pickled weights.
    """
    needed = [INDEX]
    for part in parts:
        # diffusers loads a part without a folder from the top.
        has_folder = any(name.startswith(f"{part}/") for name in names)
        needed += model_files(repository, names, part if has_folder else "", variant, weights=weights)
    return sorted(set(needed))


def model_files(
    repository: str, names: Sequence[str], folder: str, variant: str | None, *, weights: bool = True
) -> list[str]:
    """Return the files of one part in a folder of a repository, which may be the top.

    A model needs its weights and configuration; other parts, such as tokenizers, need all data files.

    Raises:
        ModelError: when it contains code or an adapter's configuration, or only pickled weights.
    """
    here = [name for name in names if PurePosixPath(name).parent == PurePosixPath(folder)]
    # The top of a repository may contain scripts, and complete checkpoints in another layout, which are not fetched.
    seen = [PurePosixPath(name).name for name in here if folder or not name.endswith(".py")]
    check_names(PurePosixPath(repository, folder), seen, may_lack_weights=not (weights and folder))
    chosen = _weights(here, variant)
    if not chosen:
        return list(_settings(names, folder))
    indexes = [name for name in here if _INDEXES.fullmatch(name)]
    own = [name for name in here if PurePosixPath(name).name == _CONFIG]
    return [*own, *indexes, *chosen] if weights else own


def settings_of(names: Sequence[str], folder: str) -> list[str]:
    """Return all configuration and vocabulary files in a folder of a repository, which may be the top."""
    return list(_settings(names, folder))


def _settings(names: Sequence[str], folder: str) -> Iterator[str]:
    for name in names:
        path = PurePosixPath(name)
        is_inside = path.parent == PurePosixPath(folder) or (folder and path.is_relative_to(folder))
        if is_inside and path.suffix in SETTINGS:
            yield name


def _weights(names: Sequence[str], variant: str | None) -> list[str]:
    """Return the weights of a variant, or the default weights if there are none."""
    found: dict[str | None, list[str]] = {}
    for name in names:
        if match := _WEIGHTS.fullmatch(PurePosixPath(name).name):
            found.setdefault(match["variant"] or match["older"], []).append(name)
    return found.get(variant) or found.get(None, [])


Choose = Callable[[Sequence[str]], Collection[str]]
"""Selects the required files from the names of a repository's files."""


def is_offline() -> bool:
    """Return whether HF_HUB_OFFLINE has a value that huggingface_hub considers true."""
    return os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE")


def fetch(source: ModelSource, choose: Choose, *, holds: Holds = "adapter") -> Path:
    """Return the folder or file of a checkpoint with its required files, fetched and checked.

    Raises:
        RefusedFiles: when it contains anything that is never loaded.
        LocalEntryNotFoundError: when files are missing from the hub's cache, and the hub cannot be accessed.
        OSError: when something cannot be read.
    """
    try:
        path = (
            _download(source, choose(file_names(source)))
            if source.kind == "hub"
            else Path(local_path(source))
        )
        if path.is_dir():
            data_files(path, holds)
        else:
            check_weights(path)
    except ModelError as error:
        raise RefusedFiles(str(error)) from error
    return path


def fetch_pipeline(source: ModelSource, variant: str | None, *, weights: bool = True) -> Path:
    """Return the folder of a pipeline, fetched and checked, with the weights of a variant unless `weights` is false.

    Raises:
        RefusedFiles: when it contains anything that is never loaded.
        LocalEntryNotFoundError: when files are missing from the hub's cache, and the hub cannot be accessed.
        OSError: when something cannot be read.
    """

    def choose(names: Sequence[str]) -> Sequence[str]:
        index = read_index(_download(source, [INDEX]))
        parts = [name for name, component in index.items() if component is not None]
        return pipeline_files(source.location, names, parts, variant, weights=weights)

    return fetch(source, choose, holds="pipeline")


def file_names(source: ModelSource) -> list[str]:
    """Return the names of a repository's files at its commit; offline, only of the cached files.

    Raises:
        LocalEntryNotFoundError: when the hub cannot be accessed, and the cache contains none of its files.
    """
    from huggingface_hub import get_cached_repo_tree
    from huggingface_hub.errors import CachedRepoTreeNotFoundError

    folder = _download(source, [])
    try:
        listed = [] if is_offline() else get_cached_repo_tree(source.location, revision=source.revision)
    except CachedRepoTreeNotFoundError:
        listed = []
    if listed:
        return sorted(file.path for file in listed)
    return sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file())


def only_file(source: ModelSource, written: str | None, usual: str) -> str:
    """Return the name of an adapter's file in its folder or repository: as written, the only one, or the usual name.

    diffusers would search the hub's main branch instead of the commit, and would not search at all offline.
    """
    if written:
        return written
    if source.kind == "hub":
        return only_or_usual(file_names(source), usual)
    return only_or_usual((file.name for file in Path(local_path(source)).iterdir()), usual)


def _download(source: ModelSource, names: Collection[str]) -> Path:
    """Return the snapshot's folder with these files."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import IncompleteSnapshotError

    unexpected = [name for name in names if Path(name).suffix not in DATA]
    if unexpected:
        raise ModelError(
            f"{source.location}: {unexpected[0]} is not a data file; only data files are fetched."
        )
    with LOADING_LOCK:
        try:
            folder = snapshot_download(
                source.location,
                revision=source.revision,
                allow_patterns=[re.sub(r"([*?[])", r"[\1]", name) for name in names],
                local_files_only=is_offline(),
            )
        except IncompleteSnapshotError as error:
            # Another library may have fetched only some files of the snapshot.
            folder = error.snapshot_path
            if any(_is_required(name) and not Path(folder, name).is_file() for name in names):
                raise
    return Path(folder).absolute()


def _is_required(name: str) -> bool:
    return name.endswith(".safetensors") or PurePosixPath(name).name in (INDEX, "config.json")
