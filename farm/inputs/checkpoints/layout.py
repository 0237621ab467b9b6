"""What a checkpoint's folder may hold: weights in safetensors, and no code of its own. Needs no torch."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any, Literal

from farm.errors import ModelError
from farm.inputs.checkpoints.bounded_json import MAX_VOCABULARY, NoJson, read_json
from farm.inputs.checkpoints.hub_cache import blobs_of
from farm.inputs.checkpoints.safe_settings import check_settings
from farm.inputs.checkpoints.safetensors_header import check_weights

DATA = frozenset({".safetensors", ".json", ".txt", ".model", ".jinja"})
"""Suffixes of weights, configuration and vocabulary: nothing else of a checkpoint is read, or fetched."""

SETTINGS = DATA - {".safetensors"}

MAX_ENTRIES = 20_000
"""Files and folders below a checkpoint's; a home directory or a disk is none."""

MAX_BYTES = 2**40
"""Of all that is read of a checkpoint together: a terabyte."""


def folders_below(folder: Path) -> list[Path]:
    """Return a folder and those below it, once it is clear that they are no more than a checkpoint has.

    Raises:
        ModelError: when there is a link to a folder, or more than a checkpoint has.
        OSError: when one cannot be read.
    """
    found, count = [folder], 0
    for each in found:
        with os.scandir(each) as entries:
            for entry in entries:
                count += 1
                if count > MAX_ENTRIES:
                    raise ModelError(
                        f"{folder} is no checkpoint's folder: it holds more than {MAX_ENTRIES} files and folders"
                    )
                if entry.is_dir():
                    if entry.is_symlink():
                        raise ModelError(
                            f"{entry.path} is a link to a folder, which is not followed: copy the folder there"
                        )
                    found.append(Path(entry.path))
    return found


def data_below(folder: Path, folders: list[Path]) -> list[Path]:
    """Return all files of weights, configuration and vocabulary in the `folders` below a folder, sorted.

    Raises:
        ModelError: when one is no regular file, has a name that is no text, or is a link out of the hub's cache; or
            together they have more bytes than a checkpoint has.
        OSError: when one cannot be read.
    """
    files = sorted(file for each in folders for file in _data_in(each))
    cache, size = _Cache(folder), 0
    for file in files:
        if not file.is_file():
            raise ModelError(f"{file} is no regular file")
        if not _is_text(file.name):
            raise ModelError(f"{file.parent} holds a file whose name is no text in UTF-8: {file.name!a}")
        if file.is_symlink():
            cache.check(file)
        size += file.stat().st_size
    if size > MAX_BYTES:
        raise ModelError(
            f"{folder} is no checkpoint's folder: it has {size} bytes, up to {MAX_BYTES} are read"
        )
    return files


def _data_in(folder: Path) -> Iterator[Path]:
    with os.scandir(folder) as entries:
        yield from (
            Path(entry.path) for entry in entries if not entry.is_dir() and Path(entry.name).suffix in DATA
        )


class _Cache:
    """Where links of a snapshot in the hub's cache may lead: to files of the same repository.

    In a folder of one's own links to files are followed wherever they lead; whether a manifest may have them read is
    checked with the manifest.
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
"""By which transformers lays an adapter over the weights beside it, and takes these from wherever it says."""

Holds = Literal["pipeline", "adapter", "weights"]
"""A pipeline; a model or adapter of whatever kind, in the folder or below; or a file of weights alone."""

_SHARDS = re.compile(r".+\.safetensors(\.[\w-]+)?\.index(\.[\w-]+)?\.json", re.ASCII)
_PICKLES = {".bin", ".ckpt", ".pt", ".pth", ".pkl", ".pickle"}
_READ = ("special_tokens_map.json", "added_tokens.json", "chat_template.json")
"""What is read as configuration beside every `*config.json`."""


class RefusedFiles(ModelError):
    """A checkpoint is refused for a file of it, which the text names, but not yet the checkpoint."""


def data_files(folder: Path, holds: Holds) -> list[Path]:
    """Return all files of weights, configuration and vocabulary below a folder, sorted.

    Raises:
        ModelError: when the folder is not what it `holds`, or holds what is never loaded: a pickle in the place
            of weights, code, files that lie about themselves, whatever leads elsewhere.
        OSError: when something cannot be read.
    """
    names = list(read_index(folder)) if holds == "pipeline" else []
    folders = folders_below(folder)
    parts = {folder, *(folder / name for name in names)} if holds == "pipeline" else set(folders)
    for part in sorted(parts.intersection(folders)):
        # Of many adapters in a repository some may be pickles: which one is loaded, its name says.
        _check_part(part, holds, may_lack_weights=part == folder if holds == "pipeline" else part != folder)
    return data_below(folder, folders)


def read_index(folder: Path) -> Mapping[str, tuple[str, str] | None]:
    """Return the components that a pipeline's folder names, each with its library and class; None for none.

    Raises:
        ModelError: when it names none, code, another pipeline, or what is not of diffusers or transformers.
        OSError: when it cannot be read.
    """
    index = folder / INDEX
    if not index.is_file():
        raise ModelError(f"{folder} is no pipeline's folder: it holds no {INDEX}")
    try:
        written = read_json(index)
    except ModelError as error:
        raise ModelError(f"{index} is not what diffusers writes") from error
    if not isinstance(written, dict) or "_class_name" not in written:
        raise ModelError(f"{index} is not what diffusers writes")
    if not isinstance(written["_class_name"], str):
        raise ModelError(f"{index} names a pipeline that is code of its own: {_cut(written['_class_name'])}")
    check_settings(index, written)
    components = {name: value for name, value in written.items() if isinstance(value, list)}
    return {name: _component(index, name, value) for name, value in components.items()}


def check_names(
    place: PurePath, names: Collection[str], *, may_lack_weights: bool = False, is_adapter: bool = False
) -> None:
    """Look at the names of the files directly in a folder, here or in a repository.

    They are no code, not the settings of an adapter over other weights, and no pickles alone.

    Raises:
        ModelError: when there are.
    """
    suffixes = {PurePath(name).suffix for name in names}
    for name in sorted(names):
        suffix = PurePath(name).suffix
        if suffix == ".py":
            raise ModelError(
                f"{place / name} is code, and code that comes with a checkpoint is never run: remove it"
            )
        if name == ADAPTER and not is_adapter:
            raise ModelError(
                f"{place / name} would have weights from elsewhere laid over those beside it, or loaded in their "
                "place: remove it, and name the adapter in model.loras"
            )
        if suffix in _PICKLES and ".safetensors" not in suffixes and not may_lack_weights:
            raise ModelError(
                f"{place / name} is a pickle, which can run any code when it is loaded, and there is no .safetensors "
                "beside it: convert it"
            )


def _component(index: Path, name: str, value: Sequence[object]) -> tuple[str, str] | None:
    if re.fullmatch(r"[a-z]\w{0,99}", name, re.ASCII) and len(value) == 2:
        library, cls = value
        if library is None and cls is None:
            return None
        if isinstance(library, str) and isinstance(cls, str) and _is_library(library) and _is_class(cls):
            if cls.endswith("Pipeline"):
                raise ModelError(
                    f"{index} names a whole pipeline as a component, which would bring components of its own: "
                    f"{_cut(name)} is a {cls}"
                )
            return library, cls
    raise ModelError(f"{index} names a component that is not of diffusers or transformers: {_cut(name)}")


def _is_library(name: str) -> bool:
    """Whether it is transformers, diffusers, or a family of pipelines in diffusers."""
    if name in ("diffusers", "transformers"):
        return True
    diffusers = importlib.util.find_spec("diffusers")
    places = diffusers.submodule_search_locations if diffusers else None
    is_name = re.fullmatch(r"[a-z]\w{0,99}", name, re.ASCII) is not None
    return is_name and any((Path(place) / "pipelines" / name).is_dir() for place in places or ())


def _is_class(name: str) -> bool:
    return re.fullmatch(r"[A-Z]\w{0,99}", name, re.ASCII) is not None


def _check_part(part: Path, holds: Holds, *, may_lack_weights: bool) -> None:
    """Look at the files directly in the folder of a component, of an adapter, or of the whole."""
    files = sorted(entry for entry in part.iterdir() if not entry.is_dir())
    names = [file.name for file in files]
    if blobs_of(part) is not None and part.parent.name == "snapshots":
        # At the top of a repository scripts may lie, which the farm neither fetches nor looks for.
        names = [name for name in names if not name.endswith(".py")]
    check_names(part, names, may_lack_weights=may_lack_weights, is_adapter=holds == "weights")
    for file in files:
        if file.suffix in SETTINGS | {".safetensors"} and not file.is_file():
            raise ModelError(f"{file} is no regular file")
        if file.suffix == ".safetensors":
            check_weights(file)
        elif file.suffix in SETTINGS:
            _check_settings(file)


def _check_settings(file: Path) -> None:
    if _SHARDS.fullmatch(file.name):
        _check_shards(file)
    elif file.name.endswith("config.json") or file.name in _READ:
        # What is no JSON has nothing to say; the worker tells what a library makes of it.
        with contextlib.suppress(NoJson):
            check_settings(file, read_json(file))
    elif (size := file.stat().st_size) > MAX_VOCABULARY:
        raise ModelError(f"{file} has {size} bytes, up to {MAX_VOCABULARY} are read")


def _check_shards(file: Path) -> None:
    """Weights in several files are listed in an index: each must be a file beside it."""
    index: Any = read_json(file)
    shards = index.get("weight_map") if isinstance(index, dict) else None
    if not isinstance(shards, dict):
        raise ModelError(f"{file} is not what diffusers writes")
    for shard in set(map(str, shards.values())):
        if "/" in shard or "\\" in shard or not shard.endswith(".safetensors"):
            raise ModelError(f"{file} names weights that are no .safetensors file beside it: {_cut(shard)}")


def _cut(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
