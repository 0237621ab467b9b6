"""Loads models that judge frames: from safetensors only, and never with code that comes with a checkpoint."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
import transformers
from huggingface_hub.errors import LocalEntryNotFoundError

from farm.errors import ModelError
from farm.records import ModelSource
from farm.render.checkpoints.hub import fetch, is_offline
from farm.render.checkpoints.needed_files import model_files, settings_of
from farm.render.checkpoints.sealed import sealed
from farm.render.checkpoints.source import check_unchanged
from farm.render.checkpoints.told import name_of, told


def load_judge(source: ModelSource, cls: Any, kind: str) -> tuple[Any, Any]:
    """Return a model of the class `cls` in float32 on the CPU, and what prepares pictures for it, on Pillow.

    Raises:
        ModelError: when files are missing or not those of `source`, or weights are not safetensors.
    """
    transformers.logging.disable_progress_bar()
    with told(source, kind):
        folder = _folder(source)
    with told(source, kind), sealed():
        model = cls.from_pretrained(folder, **_ALONE, use_safetensors=True, dtype=torch.float32)
        # With torchvision installed it would be another one, whose last bits differ.
        processor = transformers.AutoImageProcessor.from_pretrained(folder, **_ALONE, backend="pil")
        check_unchanged(source, holds="adapter")
    return model.eval(), processor


def load_tokenizer(source: ModelSource) -> Any:
    """Return what turns texts into tokens.

    Raises:
        ModelError: when its files are missing.
    """
    with told(source, "a tokenizer"):
        folder = _folder(source)
    with told(source, "a tokenizer"), sealed():
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder, **_ALONE)
    # Where its files are missing, transformers 5 makes an empty one and is silent: all texts would be one.
    if len(tokenizer) <= len(set(tokenizer.all_special_ids)):
        raise ModelError(
            f"{name_of(source)}: its tokenizer knows no words, since its vocabulary files are missing."
        )
    return tokenizer


def _folder(source: ModelSource) -> str:
    """Return the folder of a model on this machine, with what prepares pictures and texts for it.

    Says which files to fetch where the hub's are not here, in the place of huggingface_hub's lines.
    """
    try:
        return str(fetch(source, partial(_files, source.location)))
    except LocalEntryNotFoundError as error:
        why = "HF_HUB_OFFLINE forbids asking the hub" if is_offline() else "the hub cannot be reached"
        raise ModelError(
            f"{name_of(source)}: files of it are not in this machine's hub cache, and {why}. Run once, where it can "
            f"be: hf download {source.location} --revision {source.revision}"
        ) from error


def _files(repository: str, names: Sequence[str]) -> set[str]:
    return {*model_files(repository, names, "", None), *settings_of(names, "")}


_ALONE = {"local_files_only": True, "trust_remote_code": False}
"""What transformers is told of any folder: that there is nothing else."""
