"""All the numbers of a run that makes the shipped checkpoints, and where its state lies."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from farm.demo.drawings import Drawings, drawings
from farm.demo.loop import Course


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """A run's settings; the same recipe and seed on the same machine make the same weights."""

    work_dir: Path
    """State that a killed run goes on from: drawings, checkpoints, evaluation."""
    output: Path
    """Where the finished folders go."""
    size: int = 64
    """Width and height of the pictures in pixels, a multiple of 8."""
    seed: int = 1
    effort: float = 1.0
    """Multiplies the number of pictures and steps: a hundredth for a trial, more where there is a GPU."""
    device: torch.device = torch.device("cpu")
    replicas: int = 1
    """Processes that train the U-Net together on a CPU."""

    def course(self, name: str) -> Course:
        """How the named training runs.

        Raises:
            KeyError: there is no such training.
        """
        steps, rate, decay, mean = _COURSES[name]
        return Course(
            name=name,
            steps=max(2, round(steps * self.effort)),
            learning_rate=rate,
            weight_decay=decay,
            ema_decay=mean,
            checkpoint=self.work_dir / f"{name}.pt",
            seed=self.seed,
        )

    def training_pictures(self) -> Drawings:
        """Drawn pictures of the training split."""
        count = max(64, round(24_000 * self.effort))
        return drawings("train", count=count, size=self.size, seed=self.seed, folder=self.work_dir)

    def held_out_pictures(self) -> Drawings:
        """Drawn pictures of the combinations that no training saw."""
        count = max(64, round(1_000 * min(1.0, self.effort)))
        return drawings("held-out", count=count, size=self.size, seed=self.seed + 1, folder=self.work_dir)


_COURSES = {
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
"""Steps, learning rate, weight decay, decay of the running mean (0: none, the last weights count)."""
