"""How frames differ from their neighbours. Sums are of whole numbers, so the order of adding changes no bit."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torchmetrics.functional.image import structural_similarity_index_measure

from farm.records import Pixels

_SSIM_SIDE = 256
"""Pixels: to about so many the shorter side is brought for SSIM, as its authors do for a usual viewing distance."""


def rgb_change(one: Pixels, other: Pixels) -> float:
    """Return the root mean square difference of two pictures' colour values, of their range: 0 to 1."""
    return _root_mean_square(one.astype(np.int64) - other) / 255


def flicker(before: Pixels, this: Pixels, after: Pixels) -> float:
    """Return the root mean square difference of a picture and the mean of its neighbours, of the range: 0 to 1.

    A picture halfway between its neighbours has none; one that comes and goes has all of its difference.
    """
    return _root_mean_square(2 * this.astype(np.int64) - before - after) / (2 * 255)


def perceptual_change(one: Pixels, other: Pixels) -> float:
    """Return (1 - SSIM) / 2 of two pictures: 0 if they are the same, at most 1.

    SSIM compares local means, contrasts and structure (Wang et al. 2004, doi:10.1109/TIP.2003.819861) in Gaussian
    windows of 1.5 pixels. Large pictures are averaged down first, as in the authors' own program (ssim.m).
    """
    similarity = structural_similarity_index_measure(_viewed(one), _viewed(other), data_range=1.0)
    return (1 - float(similarity)) / 2


def is_blank(pixels: Pixels) -> bool:
    """Tell whether a picture is of one colour."""
    return bool((pixels == pixels[0, 0]).all())


def _root_mean_square(differences: npt.NDArray[np.int64]) -> float:
    return math.sqrt(int(np.square(differences).sum()) / differences.size)


def _viewed(pixels: Pixels) -> torch.Tensor:
    """Return float32 [1, 3, height, width] in 0 to 1."""
    planes = torch.from_numpy(pixels.astype(np.float32).transpose(2, 0, 1)[None] / 255)
    factor = max(1, round(min(pixels.shape[:2]) / _SSIM_SIDE))
    return F.avg_pool2d(planes, factor) if factor > 1 else planes
