"""Textual inversions for the tiny Stable Diffusion and Stable Diffusion XL."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import save_file

from tests.checkpoints.text_encoders import WIDTH

TOKEN = "<doodle>"
WEIGHTS = "learned_embeds.safetensors"


def save_textual_inversion(folder: Path, *, vectors: int = 1) -> Path:
    """The token `<doodle>`, with one or more vectors, in diffusers' layout."""
    torch.manual_seed(0)
    learned = torch.randn(vectors, WIDTH)
    return _save({TOKEN: learned[0] if vectors == 1 else learned}, folder)


def save_textual_inversion_xl(folder: Path) -> Path:
    """Vectors without a token name, for the first text encoder and for the second."""
    torch.manual_seed(0)
    return _save({"clip_l": torch.randn(1, WIDTH), "clip_g": torch.randn(1, WIDTH)}, folder)


def _save(weights: dict[str, torch.Tensor], folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    save_file(weights, folder / WEIGHTS)
    return folder
