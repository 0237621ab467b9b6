"""Loads models that judge frames: from safetensors only, and never with code that comes with a checkpoint."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
import transformers
from huggingface_hub.errors import LocalEntryNotFoundError

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
    with told(source, kind), _present(source):
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
    with told(source, "a tokenizer"), _present(source):
        tokenizer = transformers.AutoTokenizer.from_pretrained(local_path(source), **_where(source))
    # Where its files are missing, transformers 5 makes an empty one and is silent: all texts would be one.
    if len(tokenizer) <= len(set(tokenizer.all_special_ids)):
        raise ModelError(
            f"{name_of(source)}: its tokenizer knows no words, since its vocabulary files are missing."
        )
    return tokenizer


@contextmanager
def _present(source: ModelSource) -> Iterator[None]:
    """Say which files to fetch where the hub's are not here, in the place of transformers' two lines."""
    try:
        yield
    except OSError as error:
        if not _is_out_of_reach(error):
            raise
        why = "HF_HUB_OFFLINE forbids asking the hub" if is_offline() else "the hub cannot be reached"
        raise ModelError(
            f"{name_of(source)}: files of it are not in this machine's hub cache, and {why}. Run once, where it can "
            f"be: hf download {source.location} --revision {source.revision}"
        ) from error


def _is_out_of_reach(error: BaseException | None) -> bool:
    while error is not None and not isinstance(error, LocalEntryNotFoundError):
        error = error.__cause__ or error.__context__
    return error is not None


def _where(source: ModelSource) -> dict[str, Any]:
    return {
        "revision": source.revision or None,
        "local_files_only": source.kind != "hub" or is_offline(),
        "trust_remote_code": False,
    }
