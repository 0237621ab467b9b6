"""A set of drawn pictures, kept on disk so that a training that goes on finds the very same ones."""

from __future__ import annotations

import os
import random
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from farm.demo.vocabulary import Scene, Split, random_scene
from farm.demo.world import draw

BLOCK = 500
"""Pictures that one process draws at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawings:
    """Drawn pictures and what each shows."""

    scenes: tuple[Scene, ...]
    pixels: npt.NDArray[np.uint8]
    """(picture, row, column, channel), sRGB."""

    def batch(self, chosen: torch.Tensor) -> torch.Tensor:
        """The chosen pictures as float32 (B, 3, H, W) between -1 and 1."""
        picked = torch.from_numpy(np.ascontiguousarray(self.pixels[chosen.numpy()]))
        return picked.permute(0, 3, 1, 2).float().div_(127.5).sub_(1).contiguous()


def scene_at(split: Split, seed: int, index: int) -> Scene:
    """What picture `index` of a set shows: a function of split, seed and index alone."""
    return random_scene(split, random.Random(f"{split} {seed} {index}"))


def drawings(split: Split, *, count: int, size: int, seed: int, folder: Path) -> Drawings:
    """The first `count` pictures of a split, from `folder` if they were drawn before, else drawn and kept."""
    path = folder / f"drawings-{split}-{size}-{seed}-{count}.npy"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        starts = range(0, count, BLOCK)
        with ProcessPoolExecutor(os.cpu_count()) as pool:
            jobs = [
                pool.submit(_block, split, seed, start, min(start + BLOCK, count), size) for start in starts
            ]
            pixels = np.concatenate([job.result() for job in jobs])
        part = path.with_suffix(".part.npy")
        np.save(part, pixels)
        part.replace(path)
    scenes = tuple(scene_at(split, seed, index) for index in range(count))
    return Drawings(scenes=scenes, pixels=np.load(path))


def _block(split: Split, seed: int, start: int, stop: int, size: int) -> npt.NDArray[np.uint8]:
    return np.stack(
        [np.asarray(draw(scene_at(split, seed, k), seed * 1_000_003 + k, size)) for k in range(start, stop)]
    )
