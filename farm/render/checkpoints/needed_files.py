"""Which files of a repository are needed, by their names alone: never more than data, and of weights one set."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from farm.render.checkpoints.checkpoint_folder import INDEX, check_names
from farm.render.checkpoints.folder_files import SETTINGS

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
