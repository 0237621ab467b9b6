"""The shipped checkpoints: the folders next to this file."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

HERE = Path(__file__).resolve().parent
LORA = "pytorch_lora_weights.safetensors"
"""The file name that diffusers uses: a LoRA has only this file and its model card."""

Kind = Literal["pipeline", "controlnet", "lora", "model"]
_KINDS: dict[str, Kind] = {"ControlNetModel": "controlnet", "LoRA": "lora"}
"""Kinds of checkpoints other than pipelines, by architecture; all others are of kind `model`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShippedModel:
    """One shipped checkpoint."""

    name: str
    """The name of its folder, which a manifest can use as `pretrained`."""
    path: Path
    kind: Kind
    """A diffusers pipeline (`model_index.json`), a ControlNet (`config.json`) or LoRA (`LORA`) for a pipeline, or any
    other model (`config.json`)."""
    pipeline_class: str | None
    """The diffusers pipeline class; None for other kinds."""
    architecture: str
    """The class that loads it: the pipeline class, the model class in its config, or `LoRA`."""
    description: str
    """One sentence from the front matter of its model card; empty without a card."""
    bytes: int
    """The total size of its files."""


def shipped() -> tuple[ShippedModel, ...]:
    """Return every shipped checkpoint, by name."""
    folders = sorted(
        folder for folder in HERE.iterdir() if folder.is_dir() and not folder.name.startswith((".", "_"))
    )
    return tuple(model for folder in folders if (model := _cached(folder)) is not None)


def find(name: str) -> ShippedModel | None:
    """Return the shipped checkpoint with this name, or None."""
    is_plain = name.isascii() and not name.startswith((".", "_")) and not set(name) & set("/\\\0")
    return _cached(HERE / name) if is_plain and len(name) < 100 and (HERE / name).is_dir() else None


@functools.cache
def _cached(folder: Path) -> ShippedModel | None:
    """Read a folder once per process: like the code, it is part of the installed package."""
    return _read(folder)


def _read(folder: Path) -> ShippedModel | None:
    index, config = folder / "model_index.json", folder / "config.json"
    pipeline_class: str | None = None
    if index.is_file():
        pipeline_class = architecture = json.loads(index.read_text(encoding="utf-8"))["_class_name"]
    elif config.is_file():
        settings = json.loads(config.read_text(encoding="utf-8"))
        architecture = settings.get("_class_name") or (settings.get("architectures") or [""])[0]
    elif (folder / LORA).is_file():
        architecture = "LoRA"
    else:
        return None
    return ShippedModel(
        name=folder.name,
        path=folder,
        kind="pipeline" if pipeline_class else _KINDS.get(architecture, "model"),
        pipeline_class=pipeline_class,
        architecture=architecture,
        description=_description(folder / "README.md"),
        bytes=sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()),
    )


def _description(card: Path) -> str:
    """Return the `description:` in the front matter of a model card, between its two `---` lines."""
    if not card.is_file():
        return ""
    front = card.read_text(encoding="utf-8").split("---\n", 2)
    lines = front[1].splitlines() if len(front) == 3 else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("description:")), "")
