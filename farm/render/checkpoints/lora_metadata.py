"""The settings that a LoRA's file may bring with it, which diffusers hands on to PEFT as they are. Needs no torch."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from farm.render.checkpoints.bounded_json import parse_json

METADATA_KEY = "lora_adapter_metadata"
"""Under which diffusers writes them into the header of a `.safetensors` file."""

_MAX_TEXT = 1_000_000
_PLAIN_NAME = re.compile(r"\^?[\w.\\-]{1,1000}\$?", re.ASCII)
"""A part of a model. PEFT reads names as regular expressions: these have nothing to repeat, and take a moment."""

_NAMES = ("target_modules", "exclude_modules", "modules_to_save", "layers_to_transform", "layers_pattern")
_PATTERNS = ("rank_pattern", "alpha_pattern")
_LOADS = (
    "base_model_name_or_path",
    "revision",
    "auto_mapping",
    "megatron_config",
    "layer_replication",
    "loftq_config",
)
"""What names another model, a module to import, or work to do before the weights are laid over the model."""

_PLAIN_STARTS = (True, False, None, "gaussian")
"""How weights begin that are loaded anyway; other words have PEFT read or compute something."""


def strange_metadata(text: str) -> str:
    """Return what is wrong with a LoRA's settings, as the end of a sentence; empty for nothing."""
    if len(text) > _MAX_TEXT:
        return f"has {len(text)} characters, up to {_MAX_TEXT} are read"
    try:
        settings = parse_json(text, finite=True)
    except ValueError:
        return "is not what diffusers writes"
    if not isinstance(settings, dict):
        return "is not what diffusers writes"
    for name, value in settings.items():
        if not _is_plain(name.rpartition(".")[2], value):
            return f"sets {name[:100]!r}, which is more than plain weights"
    return ""


def _is_plain(name: str, value: Any) -> bool:
    if name in _LOADS:
        return not value
    if name in _NAMES:
        return all(map(_is_name, value if isinstance(value, list) else [value]))
    if name in _PATTERNS:
        return value is None or (isinstance(value, Mapping) and all(map(_is_name, value)))
    if name == "megatron_core":
        return value in (
            None,
            "megatron.core",
        )  # as PEFT has it unless told, and writes it; else a module to import
    return name != "init_lora_weights" or value in _PLAIN_STARTS


def _is_name(value: object) -> bool:
    return (
        value is None
        or isinstance(value, int)
        or (isinstance(value, str) and _PLAIN_NAME.fullmatch(value) is not None)
    )
