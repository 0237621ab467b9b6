"""Checks that a checkpoint's folder contains weights in safetensors and no code. Needs no torch."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any, Literal

from farm.errors import ModelError
from farm.inputs.checkpoints.bounded_json import MAX_VOCABULARY, NotJson, read_json
from farm.inputs.checkpoints.hub_cache import blobs_of
from farm.inputs.checkpoints.safe_settings import check_settings
from farm.inputs.checkpoints.safetensors_header import check_weights

DATA = frozenset({".safetensors", ".json", ".txt", ".model", ".jinja"})
"""Suffixes of weights, configuration and vocabulary; other files of a checkpoint are neither read nor fetched."""

SETTINGS = DATA - {".safetensors"}

MAX_ENTRIES = 20_000
"""Maximum files and folders in a checkpoint's folder, so that a home directory or a disk is not scanned."""

MAX_BYTES = 2**40
"""Maximum total size of a checkpoint's files: a terabyte."""


def folders_below(folder: Path) -> list[Path]:
    """Return a folder and its subfolders, at any depth.

    Raises:
        ModelError: when there is a link to a folder, or more entries than a checkpoint has.
        OSError: when one cannot be read.
    """
    found, count = [folder], 0
    for each in found:
        with os.scandir(each) as entries:
            for entry in entries:
                count += 1
                if count > MAX_ENTRIES:
                    raise ModelError(
                        f"{folder} is not a checkpoint folder: it contains more than {MAX_ENTRIES} files and folders"
                    )
                if entry.is_dir():
                    if entry.is_symlink():
                        raise ModelError(
                            f"{entry.path} is a link to a folder, which is not followed: replace it with a copy"
                        )
                    found.append(Path(entry.path))
    return found


def data_below(folder: Path, folders: list[Path]) -> list[Path]:
    """Return all files of weights, configuration and vocabulary in the `folders` below a folder, sorted.

    Raises:
        ModelError: when one is not a regular file, has a name that is not UTF-8, or is a link out of the hub's cache,
            or when their total size exceeds the limit.
        OSError: when one cannot be read.
    """
    files = sorted(file for each in folders for file in _data_in(each))
    cache, size = _Cache(folder), 0
    for file in files:
        if not file.is_file():
            raise ModelError(f"{file} is not a regular file")
        if not _is_text(file.name):
            raise ModelError(f"{file.parent} contains a file whose name is not UTF-8: {file.name!a}")
        if file.is_symlink():
            cache.check(file)
        size += file.stat().st_size
    if size > MAX_BYTES:
        raise ModelError(
            f"{folder} is not a checkpoint folder: it has {size} bytes, at most {MAX_BYTES} are read"
        )
    return files


def _data_in(folder: Path) -> Iterator[Path]:
    with os.scandir(folder) as entries:
        yield from (
            Path(entry.path) for entry in entries if not entry.is_dir() and Path(entry.name).suffix in DATA
        )


class _Cache:
    """Restricts the links of a snapshot in the hub's cache to files of the same repository.

    In other folders, links to files may lead anywhere; the manifest's checks include permission to read them.
    """

    def __init__(self, folder: Path) -> None:
        blobs = blobs_of(folder)
        self._roots = [Path(os.path.realpath(root)) for root in (folder, blobs)] if blobs else []

    def check(self, link: Path) -> None:
        target = Path(os.path.realpath(link))
        if self._roots and not any(target.is_relative_to(root) for root in self._roots):
            raise ModelError(
                f"{link} is a link that leads out of its repository in the hub's cache: remove it"
            )


def _is_text(name: str) -> bool:
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


INDEX = "model_index.json"
ADAPTER = "adapter_config.json"
"""A file that makes transformers add an adapter to the weights in its folder, or load weights from a location it
names."""

Holds = Literal["pipeline", "adapter", "weights"]
"""The content of a folder: a pipeline; a model or adapter of any kind, in it or below; or only weights."""

_SHARDS = re.compile(r".+\.safetensors(\.[\w-]+)?\.index(\.[\w-]+)?\.json", re.ASCII)
_PICKLES = {".bin", ".ckpt", ".pt", ".pth", ".pkl", ".pickle"}
_READ = ("special_tokens_map.json", "added_tokens.json", "chat_template.json")
"""Configuration files in addition to every `*config.json`."""


class RefusedFiles(ModelError):
    """A checkpoint is refused because of one of its files; the message names the file, not yet the checkpoint."""


def data_files(folder: Path, holds: Holds) -> list[Path]:
    """Return all files of weights, configuration and vocabulary below a folder, sorted.

    Raises:
        ModelError: when the folder does not match `holds`, or contains anything that is never loaded: pickles instead
            of safetensors, code, malformed files, or references to other locations.
        OSError: when a file cannot be read.
    """
    names = list(read_index(folder)) if holds == "pipeline" else []
    folders = folders_below(folder)
    parts = {folder, *(folder / name for name in names)} if holds == "pipeline" else set(folders)
    for part in sorted(parts.intersection(folders)):
        # A repository of several adapters may contain pickles as well; the adapter's name selects its file.
        _check_part(part, holds, may_lack_weights=part == folder if holds == "pipeline" else part != folder)
    return data_below(folder, folders)


def read_index(folder: Path) -> Mapping[str, tuple[str, str] | None]:
    """Return the components that a pipeline's index names, each with its library and class, or None.

    Raises:
        ModelError: when the index is missing or invalid, or names code, a pipeline, or a component of a library other
            than diffusers and transformers.
        OSError: when it cannot be read.
    """
    index = folder / INDEX
    if not index.is_file():
        raise ModelError(f"{folder} is not a pipeline folder: it contains no {INDEX}")
    try:
        written = read_json(index)
    except ModelError as error:
        raise ModelError(f"{index} is not what diffusers writes") from error
    if not isinstance(written, dict) or "_class_name" not in written:
        raise ModelError(f"{index} is not what diffusers writes")
    if not isinstance(written["_class_name"], str):
        raise ModelError(f"{index} names a pipeline with custom code: {_shortened(written['_class_name'])}")
    check_settings(index, written)
    components = {name: value for name, value in written.items() if isinstance(value, list)}
    return {name: _component(index, name, value) for name, value in components.items()}


def check_names(
    folder: PurePath, names: Collection[str], *, may_lack_weights: bool = False, is_adapter: bool = False
) -> None:
    """Check the names of the files directly in a folder, on this machine or in a repository.

    Raises:
        ModelError: when one is code, the configuration of an adapter, or a pickle without safetensors.
    """
    suffixes = {PurePath(name).suffix for name in names}
    for name in sorted(names):
        suffix = PurePath(name).suffix
        if suffix == ".py":
            raise ModelError(f"{folder / name} is code, and code in a checkpoint is never run: remove it")
        if name == ADAPTER and not is_adapter:
            raise ModelError(
                f"{folder / name} would change or replace the weights in its folder: remove it, and list the adapter "
                "in model.loras"
            )
        if suffix in _PICKLES and ".safetensors" not in suffixes and not may_lack_weights:
            raise ModelError(
                f"{folder / name} is a pickle, which can run any code when it is loaded, and its folder contains no "
                ".safetensors: convert it"
            )


def _component(index: Path, name: str, value: Sequence[object]) -> tuple[str, str] | None:
    if re.fullmatch(r"[a-z]\w{0,99}", name, re.ASCII) and len(value) == 2:
        library, cls = value
        if library is None and cls is None:
            return None
        if isinstance(library, str) and isinstance(cls, str) and _is_library(library) and _is_class(cls):
            if cls.endswith("Pipeline"):
                raise ModelError(
                    f"{index} names a pipeline as a component, which would load its own components: "
                    f"{_shortened(name)} is a {cls}"
                )
            return library, cls
    raise ModelError(
        f"{index} names a component that is not from diffusers or transformers: {_shortened(name)}"
    )


def _is_library(name: str) -> bool:
    """Return whether a library is transformers, diffusers, or a family of pipelines in diffusers."""
    if name in ("diffusers", "transformers"):
        return True
    diffusers = importlib.util.find_spec("diffusers")
    locations = diffusers.submodule_search_locations if diffusers else None
    is_name = re.fullmatch(r"[a-z]\w{0,99}", name, re.ASCII) is not None
    return is_name and any((Path(each) / "pipelines" / name).is_dir() for each in locations or ())


def _is_class(name: str) -> bool:
    return re.fullmatch(r"[A-Z]\w{0,99}", name, re.ASCII) is not None


def _check_part(part: Path, holds: Holds, *, may_lack_weights: bool) -> None:
    """Check the files directly in the folder of a component, an adapter, or the checkpoint."""
    files = sorted(entry for entry in part.iterdir() if not entry.is_dir())
    names = [file.name for file in files]
    if blobs_of(part) is not None and part.parent.name == "snapshots":
        # The top of a repository may contain scripts, which the farm neither fetches nor runs.
        names = [name for name in names if not name.endswith(".py")]
    check_names(part, names, may_lack_weights=may_lack_weights, is_adapter=holds == "weights")
    for file in files:
        if file.suffix in SETTINGS | {".safetensors"} and not file.is_file():
            raise ModelError(f"{file} is not a regular file")
        if file.suffix == ".safetensors":
            check_weights(file)
        elif file.suffix in SETTINGS:
            _check_settings(file)


def _check_settings(file: Path) -> None:
    if _SHARDS.fullmatch(file.name):
        _check_shards(file)
    elif file.name.endswith("config.json") or file.name in _READ:
        # A file that is not JSON contains no settings; the worker that loads it reports it.
        with contextlib.suppress(NotJson):
            check_settings(file, read_json(file))
    elif (size := file.stat().st_size) > MAX_VOCABULARY:
        raise ModelError(f"{file} has {size} bytes, at most {MAX_VOCABULARY} are read")


def _check_shards(file: Path) -> None:
    """Check that the index of sharded weights names files in its own folder only."""
    index: Any = read_json(file)
    shards = index.get("weight_map") if isinstance(index, dict) else None
    if not isinstance(shards, dict):
        raise ModelError(f"{file} is not what diffusers writes")
    for shard in set(map(str, shards.values())):
        if "/" in shard or "\\" in shard or not shard.endswith(".safetensors"):
            raise ModelError(
                f"{file} names weights that are not a .safetensors file in its folder: {_shortened(shard)}"
            )


def _shortened(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
