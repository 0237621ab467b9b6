"""The settings of a run that makes the shipped checkpoints, with all hyperparameters."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from training.dataset import Drawings, load_drawings
from training.loop import TrainConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class RunConfig:
    """A run's settings; the same settings on the same machine give the same weights."""

    work_dir: Path
    """State for resuming an interrupted run: drawings, checkpoints, evaluation."""
    output: Path
    """Parent of the exported folders."""
    size: int = 64
    """Width and height of the pictures in pixels, a multiple of 8."""
    seed: int = 1
    effort: float = 1.0
    """Factor of the number of pictures and steps: 0.01 for a trial, more than 1 with a GPU."""
    device: torch.device = torch.device("cpu")
    replicas: int = 1
    """Processes that train the U-Net together on a CPU."""

    def train_config(self, name: str) -> TrainConfig:
        """Return the settings of the named training.

        Raises:
            KeyError: no such training.
        """
        steps, rate, weight_decay, ema_decay = _TRAININGS[name]
        return TrainConfig(
            name=name,
            steps=max(2, round(steps * self.effort)),
            learning_rate=rate,
            weight_decay=weight_decay,
            ema_decay=ema_decay,
            checkpoint=self.checkpoint(name),
            seed=self.seed,
        )

    def checkpoint(self, name: str) -> Path:
        """Return the file with the state of the named training."""
        return self.work_dir / f"{name}.pt"

    def training_pictures(self) -> Drawings:
        """Return the drawn pictures of the training split."""
        count = max(64, round(24_000 * self.effort))
        return load_drawings("train", count=count, size=self.size, seed=self.seed, folder=self.work_dir)

    def held_out_pictures(self) -> Drawings:
        """Return drawn pictures of the combinations excluded from training."""
        count = max(64, round(1_000 * min(1.0, self.effort)))
        return load_drawings(
            "held-out", count=count, size=self.size, seed=self.seed + 1, folder=self.work_dir
        )


_TRAININGS = {
    "vae": (5_000, 5e-4, 0.0, 0.0),
    "vae-sharp": (3_000, 4e-4, 0.0, 0.0),
    "text": (600, 1e-3, 0.05, 0.0),
    "clip": (3_100, 1e-3, 0.05, 0.0),
    "clip-mean": (1_500, 6e-4, 0.05, 0.998),
    "resnet": (600, 2e-3, 0.05, 0.99),
    "unet": (2_800, 8e-4, 0.01, 0.998),
    "controlnet": (2_500, 8e-4, 0.01, 0.998),
    "lcm": (900, 1e-3, 0.0, 0.99),
}
"""Steps, peak learning rate, weight decay, decay of the weights' moving average (0: no average)."""
