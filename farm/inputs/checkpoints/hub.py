"""Brings a checkpoint's files onto this machine, and looks at them, before any library reads one.

Here alone the hub is asked: for the files of a pinned commit, of them the data that is needed. A snapshot of it is
then a folder like any other, held to the same rules, and loaded by its path.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path, PurePosixPath

from huggingface_hub import get_cached_repo_tree, snapshot_download
from huggingface_hub.errors import CachedRepoTreeNotFoundError, IncompleteSnapshotError

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
from farm.inputs.checkpoints.no_network import ONE_AT_A_TIME
from farm.inputs.checkpoints.safetensors_header import check_weights
from farm.inputs.checkpoints.source import local_path
from farm.records import ModelSource

_WEIGHTS = re.compile(
    r"(?:model|diffusion_pytorch_model)(?:\.(?P<variant>[\w.-]+?))?(?:-\d{5}-of-\d{5})?(?:\.(?P<older>[\w.-]+))?"
    r"\.safetensors",
    re.ASCII,
)
"""As transformers and diffusers name weights: `model.fp16.safetensors`, whole or in shards."""


_INDEXES = re.compile(r".+\.safetensors(\.[\w-]+)?\.index(\.[\w-]+)?\.json", re.ASCII)
_CONFIG = "config.json"


def pipeline_files(
    repository: str, names: Sequence[str], parts: Sequence[str], variant: str | None, *, weights: bool = True
) -> list[str]:
    """Return the files of a pipeline's `parts`; without `weights` its configuration and vocabulary alone.

    Raises:
        ModelError: when a part is code, has an adapter laid over it, or its weights are pickles alone.
    """
    needed = [INDEX]
    for part in parts:
        # Where a part has no folder of its own, diffusers looks for it at the top.
        has_folder = any(name.startswith(f"{part}/") for name in names)
        needed += model_files(repository, names, part if has_folder else "", variant, weights=weights)
    return sorted(set(needed))


def model_files(
    repository: str, names: Sequence[str], folder: str, variant: str | None, *, weights: bool = True
) -> list[str]:
    """Return the files of one part in a folder of a repository, which may be the top.

    Of what has weights it is these and its configuration; of all else, such as tokenizers, whatever is data.

    Raises:
        ModelError: when it is code, has an adapter laid over it, or its weights are pickles alone.
    """
    here = [name for name in names if PurePosixPath(name).parent == PurePosixPath(folder)]
    # At the top of a repository scripts may lie, and whole checkpoints of another layout: they are left there.
    seen = [PurePosixPath(name).name for name in here if folder or not name.endswith(".py")]
    check_names(PurePosixPath(repository, folder), seen, may_lack_weights=not (weights and folder))
    chosen = _weights(here, variant)
    if not chosen:
        return list(_settings(names, folder))
    indexes = [name for name in here if _INDEXES.fullmatch(name)]
    own = [name for name in here if PurePosixPath(name).name == _CONFIG]
    return [*own, *indexes, *chosen] if weights else own


def settings_of(names: Sequence[str], folder: str) -> list[str]:
    """Return all configuration and vocabulary in a folder of a repository, which may be the top."""
    return list(_settings(names, folder))


def _settings(names: Sequence[str], folder: str) -> Iterator[str]:
    for name in names:
        path = PurePosixPath(name)
        is_there = path.parent == PurePosixPath(folder) or (folder and path.is_relative_to(folder))
        if is_there and path.suffix in SETTINGS:
            yield name


def _weights(names: Sequence[str], variant: str | None) -> list[str]:
    """Return the weights of a variant, or where there are none of it, the plain ones."""
    found: dict[str | None, list[str]] = {}
    for name in names:
        if match := _WEIGHTS.fullmatch(PurePosixPath(name).name):
            found.setdefault(match["variant"] or match["older"], []).append(name)
    return found.get(variant) or found.get(None, [])


Choose = Callable[[Sequence[str]], Collection[str]]
"""Chooses, among the names of a repository's files, those that are needed."""


def is_offline() -> bool:
    """Tell whether the user forbids asking the hub, in one of the words that huggingface_hub takes for yes."""
    return os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE")


def fetch(source: ModelSource, choose: Choose, *, holds: Holds = "adapter") -> Path:
    """Return the folder or file of a checkpoint, with the files of it that are needed, all looked at.

    Raises:
        RefusedFiles: when it holds what is never loaded.
        LocalEntryNotFoundError: when the hub must or can not be asked, and they are not in its cache.
        OSError: when something cannot be read.
    """
    try:
        place = (
            _download(source, choose(file_names(source)))
            if source.kind == "hub"
            else Path(local_path(source))
        )
        if place.is_dir():
            data_files(place, holds)
        else:
            check_weights(place)
    except ModelError as error:
        raise RefusedFiles(str(error)) from error
    return place


def fetch_pipeline(source: ModelSource, variant: str | None, *, weights: bool = True) -> Path:
    """Return the folder of a pipeline with its weights of a variant, or without `weights`, all looked at.

    Raises:
        RefusedFiles: when it holds what is never loaded.
        LocalEntryNotFoundError: when the hub must or can not be asked, and they are not in its cache.
        OSError: when something cannot be read.
    """

    def choose(names: Sequence[str]) -> Sequence[str]:
        index = read_index(_download(source, [INDEX]))
        parts = [name for name, component in index.items() if component is not None]
        return pipeline_files(source.location, names, parts, variant, weights=weights)

    return fetch(source, choose, holds="pipeline")


def file_names(source: ModelSource) -> list[str]:
    """Return the names of a repository's files as of the commit, or of those that are here where it is not asked.

    Raises:
        LocalEntryNotFoundError: when the hub must or can not be asked, and nothing of it is in its cache.
    """
    folder = _download(source, [])
    try:
        listed = [] if is_offline() else get_cached_repo_tree(source.location, revision=source.revision)
    except CachedRepoTreeNotFoundError:
        listed = []
    if listed:
        return sorted(file.path for file in listed)
    return sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file())


def only_file(source: ModelSource, written: str | None, usual: str) -> str:
    """Return the name of an adapter's file in its folder or repository: as written, of the only one, or the usual.

    diffusers would look for it on the hub's main branch, whatever the commit, and offline not at all.
    """
    if written:
        return written
    if source.kind == "hub":
        return only_or_usual(file_names(source), usual)
    return only_or_usual((file.name for file in Path(local_path(source)).iterdir()), usual)


def _download(source: ModelSource, names: Collection[str]) -> Path:
    """Return the snapshot's folder, with these files in it."""
    strange = [name for name in names if Path(name).suffix not in DATA]
    if strange:
        raise ModelError(f"{source.location}: {strange[0]} is no data, and nothing else is fetched.")
    with ONE_AT_A_TIME:
        try:
            folder = snapshot_download(
                source.location,
                revision=source.revision,
                allow_patterns=[re.sub(r"([*?[])", r"[\1]", name) for name in names],
                local_files_only=is_offline(),
            )
        except IncompleteSnapshotError as error:
            # What was fetched for a library, file by file, may lack what this one had no need of.
            folder = error.snapshot_path
            if any(_is_vital(name) and not Path(folder, name).is_file() for name in names):
                raise
    return Path(folder).absolute()


def _is_vital(name: str) -> bool:
    return name.endswith(".safetensors") or PurePosixPath(name).name in (INDEX, "config.json")
