"""Loads models that judge frames: from safetensors only, and never with code that comes with a checkpoint."""

from __future__ import annotations

from typing import Any

import torch
import transformers

from farm.errors import ModelError
from farm.records import ModelSource
from farm.render.checkpoints.hub import is_offline
from farm.render.checkpoints.source import check_unchanged, local_path
from farm.render.checkpoints.told import name_of, told


def load_judge(source: ModelSource, cls: Any, kind: str) -> tuple[Any, Any]:
    """Return a model of the class `cls` in float32 on the CPU, and what prepares pictures for it, on Pillow.

    Raises:
        ModelError: when files are missing or not those of `source`, or weights are not safetensors.
    """
    transformers.logging.disable_progress_bar()
    with told(source, kind):
        model = cls.from_pretrained(
            local_path(source), **_where(source), use_safetensors=True, dtype=torch.float32
        )
        # With torchvision installed it would be another one, whose last bits differ.
        processor = transformers.AutoImageProcessor.from_pretrained(
            local_path(source), **_where(source), backend="pil"
        )
        check_unchanged(source, holds="adapter")
    return model.eval(), processor


def load_tokenizer(source: ModelSource) -> Any:
    """Return what turns texts into tokens.

    Raises:
        ModelError: when its files are missing.
    """
    with told(source, "a tokenizer"):
        tokenizer = transformers.AutoTokenizer.from_pretrained(local_path(source), **_where(source))
    # Where its files are missing, transformers 5 makes an empty one and is silent: all texts would be one.
    if len(tokenizer) <= len(set(tokenizer.all_special_ids)):
        raise ModelError(
            f"{name_of(source)}: its tokenizer knows no words, since its vocabulary files are missing."
        )
    return tokenizer


def _where(source: ModelSource) -> dict[str, Any]:
    return {
        "revision": source.revision or None,
        "local_files_only": source.kind != "hub" or is_offline(),
        "trust_remote_code": False,
    }
