"""Checks configurations for settings that make libraries run code or load weights from elsewhere.

Collected from the sources of diffusers 0.42, transformers 5.23 and PEFT 0.21. Needs no torch.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from farm.errors import ModelError

_CODE = ("auto_map", "custom_pipelines", "custom_pipeline")
_ELSEWHERE = {
    "backbone": "a named backbone, which transformers fetches from the hub",
    "use_timm_backbone": "a timm backbone, which is fetched from the hub",
    "use_pretrained_backbone": "a backbone with its own weights from the hub",
    "quantization_config": "another library to unpack the weights",
    "configuration_files": "other configuration files",
    "fast_tokenizer_files": "other tokenizer files",
}
"""Settings that refer to something outside the checkpoint, unless they are empty or false."""

_IMPLEMENTATION = re.compile(r"(paged\|)?(eager|sdpa|flash_attention_[23]|flex_attention)", re.ASCII)
"""Installed implementations of attention. Any other text names a kernel on the hub, which is code."""

_LABELS = ("id2label", "label2id")
"""Settings with the names of classes, which may be any words."""

_MAX_SCHEDULE = 1_000_000
"""Maximum length of a table that a scheduler may be configured to compute; models are trained with a thousand steps."""

_SCHEDULER = "scheduler_config.json"


def check_settings(file: Path, settings: Any) -> None:
    """Check a configuration for settings that need more than the checkpoint's own files.

    Raises:
        ModelError: when it requires code, or files outside the checkpoint.
    """
    for name, value in _pairs(settings):
        if name in _CODE and value:
            raise ModelError(
                f"{file} sets {name}: it requires custom code, and code in a checkpoint is never run"
            )
        if name in _ELSEWHERE and value:
            raise ModelError(
                f"{file} sets {name}: it requires {_ELSEWHERE[name]}, and a checkpoint is loaded from its own files "
                "only"
            )
        if name.endswith("attn_implementation") and not _is_installed(value):
            raise ModelError(
                f"{file} sets {name}: it requires a kernel from the hub, which is code, and only installed code is run"
            )
        if file.name == _SCHEDULER and _is_too_large(value):
            raise ModelError(
                f"{file} sets {name}: a number beyond {_MAX_SCHEDULE}, and schedulers compute tables of that length"
            )


def _pairs(settings: Any) -> Iterator[tuple[str, Any]]:
    """Yield all names with their values, at any depth."""
    left = [settings]
    while left:
        each = left.pop()
        if isinstance(each, dict):
            yield from each.items()
            left += [value for name, value in each.items() if name not in _LABELS]
        elif isinstance(each, list):
            left += each


def _is_installed(value: object) -> bool:
    names = value.values() if isinstance(value, dict) else [value]
    return all(name is None or (isinstance(name, str) and _IMPLEMENTATION.fullmatch(name)) for name in names)


def _is_too_large(value: object) -> bool:
    return isinstance(value, int) and abs(value) > _MAX_SCHEDULE
