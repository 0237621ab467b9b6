"""What a checkpoint's folder may hold: weights in safetensors, and no code of its own. Needs no torch."""

from __future__ import annotations

import importlib.util
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from farm.errors import ModelError
from farm.render.checkpoints.weights_file import check_weights

INDEX = "model_index.json"
_SHARDS = ".safetensors.index.json"
_PICKLES = {".bin", ".ckpt", ".pt", ".pth", ".pkl", ".pickle"}
_DATA = {".safetensors", ".json", ".txt", ".model", ".jinja"}
_CODE_KEYS = ("auto_map", "custom_pipelines")
_MAX_JSON = 16 * 2**20


def data_files(folder: Path, holds: Literal["pipeline", "adapter"]) -> list[Path]:
    """Return all files of weights, configuration and vocabulary below a folder, sorted.

    Raises:
        ModelError: when the folder is not what it `holds`, or holds what is never loaded: a pickle in the place
            of weights, code, files that lie about themselves.
        OSError: when something cannot be read.
    """
    parts = [folder, *(folder / part for part in _parts(folder))] if holds == "pipeline" else [folder]
    for part in parts:
        if part.is_dir():
            _check_part(part, may_lack_weights=holds == "pipeline" and part == folder)
    return sorted(_walk(folder))


def _walk(folder: Path) -> Iterator[Path]:
    for entry in folder.rglob("*"):
        if entry.is_dir():
            if entry.is_symlink():
                raise ModelError(
                    f"{entry} is a link to a folder, which is not followed: copy the folder there"
                )
        elif entry.suffix in _DATA:
            if not entry.is_file():
                raise ModelError(f"{entry} is no regular file")
            yield entry


def _parts(folder: Path) -> list[str]:
    """Return the components that the index names."""
    index = folder / INDEX
    if not index.is_file():
        raise ModelError(f"{folder} is no pipeline's folder: it holds no {INDEX}")
    written = _read(index)
    if not isinstance(written, dict) or "_class_name" not in written:
        raise ModelError(f"{index} is not what diffusers writes")
    if not isinstance(written["_class_name"], str):
        raise ModelError(f"{index} names a pipeline that is code of its own: {_cut(written['_class_name'])}")
    components = {name: value for name, value in written.items() if isinstance(value, list)}
    for name, value in components.items():
        if not _is_component(name, value):
            raise ModelError(
                f"{index} names a component that is not of diffusers or transformers: {_cut(name)}"
            )
    return list(components)


def _is_component(name: str, value: list[object]) -> bool:
    if re.fullmatch(r"[a-z]\w*", name, re.ASCII) is None or len(value) != 2:
        return False
    library, cls = value
    if library is None and cls is None:
        return True
    return isinstance(library, str) and isinstance(cls, str) and _is_library(library)


def _is_library(name: str) -> bool:
    """Whether it is transformers, diffusers, or a family of pipelines in diffusers."""
    if name in ("diffusers", "transformers"):
        return True
    diffusers = importlib.util.find_spec("diffusers")
    places = diffusers.submodule_search_locations if diffusers else None
    is_name = re.fullmatch(r"[a-z]\w*", name, re.ASCII) is not None
    return is_name and any((Path(place) / "pipelines" / name).is_dir() for place in places or ())


def _check_part(part: Path, *, may_lack_weights: bool) -> None:
    """Look at the files directly in the folder of a component, of an adapter, or of the whole."""
    files = sorted(entry for entry in part.iterdir() if not entry.is_dir())
    suffixes = {file.suffix for file in files}
    for file in files:
        if file.suffix == ".py":
            raise ModelError(f"{file} is code, and code that comes with a checkpoint is never run: remove it")
        if file.suffix in _PICKLES and ".safetensors" not in suffixes and not may_lack_weights:
            raise ModelError(
                f"{file} is a pickle, which can run any code when it is loaded, and there is no .safetensors "
                "beside it: convert it"
            )
        if file.suffix in _DATA and not file.is_file():
            raise ModelError(f"{file} is no regular file")
        if file.suffix == ".safetensors":
            check_weights(file)
        elif file.name.endswith("config.json"):
            _check_config(file)
        elif file.name.endswith(_SHARDS):
            _check_shards(file)


def _check_config(file: Path) -> None:
    config = _read(file)
    told = [key for key in _CODE_KEYS if isinstance(config, dict) and config.get(key)]
    if told:
        raise ModelError(
            f"{file} says {told[0]}: it wants code of its own, and code that comes with a checkpoint is never run"
        )


def _check_shards(file: Path) -> None:
    """Weights in several files are listed in an index: each must be a file beside it."""
    index = _read(file)
    shards = index.get("weight_map") if isinstance(index, dict) else None
    if not isinstance(shards, dict):
        raise ModelError(f"{file} is not what diffusers writes")
    for shard in set(map(str, shards.values())):
        if "/" in shard or "\\" in shard or not shard.endswith(".safetensors"):
            raise ModelError(f"{file} names weights that are no .safetensors file beside it: {_cut(shard)}")


def _read(file: Path) -> Any:
    if file.stat().st_size > _MAX_JSON:
        raise ModelError(f"{file} has more than {_MAX_JSON} bytes")
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, RecursionError):
        return None


def _cut(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
