"""Which file of a folder or repository an adapter is. Needs no torch: asked before a run, and when weights load."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePosixPath

from farm.records import IpAdapter

USUAL_LORA = "pytorch_lora_weights.safetensors"
USUAL_WORD = "learned_embeds.safetensors"
"""As diffusers names the files of a LoRA and of a learned word."""

ENCODER_OF = {"clip_l": "text_encoder", "clip_g": "text_encoder_2"}
"""The text encoder that a part of a learned word is for, as files for Stable Diffusion XL name their parts."""


def only_or_usual(names: Iterable[str], usual: str) -> str:
    """Return the file that is meant where none is named: the only safetensors there, or one of the usual name."""
    weights = [name for name in names if name.endswith(".safetensors") and "/" not in name]
    return weights[0] if len(weights) == 1 else usual


def encoder_folder(adapter: IpAdapter) -> str:
    """Return the folder of an IP-Adapter's image encoder in its source, as diffusers reads the name."""
    named = adapter.image_encoder_folder
    return named if "/" in named else PurePosixPath(adapter.subfolder, named).as_posix()
