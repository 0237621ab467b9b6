"""Datasets of drawn pictures, cached on disk so that a resumed training sees the same ones."""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from training.drawing import draw
from training.scenes import Scene, Split, scene_at

BLOCK = 500
"""Pictures that a process draws at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawings:
    """Drawn pictures and what each shows."""

    scenes: tuple[Scene, ...]
    pixels: npt.NDArray[np.uint8]
    """(picture, row, column, channel), sRGB."""

    def batch(self, indices: torch.Tensor) -> torch.Tensor:
        """Return the pictures at `indices` as float32 (B, 3, H, W) between -1 and 1."""
        picked = torch.from_numpy(np.ascontiguousarray(self.pixels[indices.numpy()]))
        return picked.permute(0, 3, 1, 2).float().div_(127.5).sub_(1).contiguous()


def load_drawings(split: Split, *, count: int, size: int, seed: int, folder: Path) -> Drawings:
    """Return the first `count` pictures of a split, drawn on the first call and read from `folder` afterwards."""
    path = folder / f"drawings-{split}-{size}-{seed}-{count}.npy"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        starts = range(0, count, BLOCK)
        with ProcessPoolExecutor(os.cpu_count()) as pool:
            blocks = [
                pool.submit(_draw_block, split, seed, start, min(start + BLOCK, count), size)
                for start in starts
            ]
            pixels = np.concatenate([block.result() for block in blocks])
        part = path.with_suffix(".part.npy")
        np.save(part, pixels)
        part.replace(path)
    scenes = tuple(scene_at(split, seed, index) for index in range(count))
    return Drawings(scenes=scenes, pixels=np.load(path))


def _draw_block(split: Split, seed: int, start: int, stop: int, size: int) -> npt.NDArray[np.uint8]:
    return np.stack(
        [np.asarray(draw(scene_at(split, seed, k), seed * 1_000_003 + k, size)) for k in range(start, stop)]
    )
