"""Measures of one picture or of two, for frames and for jobs that are compared.

Sums are of whole numbers, so the order of addition changes no bit. torch loads with the first SSIM.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from farm.records import Pixels

if TYPE_CHECKING:
    import torch

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
    from torchmetrics.functional.image import structural_similarity_index_measure

    similarity = structural_similarity_index_measure(_viewed(one), _viewed(other), data_range=1.0)
    return (1 - float(similarity)) / 2


def is_blank(pixels: Pixels) -> bool:
    """Tell whether a picture is of one colour."""
    return bool((pixels == pixels[0, 0]).all())


def _root_mean_square(differences: npt.NDArray[np.int64]) -> float:
    return math.sqrt(int(np.square(differences).sum()) / differences.size)


def _viewed(pixels: Pixels) -> torch.Tensor:
    """Return float32 [1, 3, height, width] in 0 to 1."""
    import torch
    import torch.nn.functional as F

    planes = torch.from_numpy(pixels.astype(np.float32).transpose(2, 0, 1)[None] / 255)
    factor = max(1, round(min(pixels.shape[:2]) / _SSIM_SIDE))
    return F.avg_pool2d(planes, factor) if factor > 1 else planes


_LUMA = (0.299, 0.587, 0.114)
"""ITU-R BT.601: how bright red, green and blue are to an eye."""


def sharpness(pixels: Pixels) -> float:
    """Return the variance of the Laplacian of a picture's brightness, in squared 8-bit levels: 0 for one colour.

    It grows with edges and their contrast (Pech-Pacheco et al. 2000, doi:10.1109/ICPR.2000.903548), and with noise.
    So it compares pictures of one content and size; an absolute value says nothing. The Laplacian is that of four
    neighbours; at the border the picture is reflected, as OpenCV does.
    """
    grey = np.pad(pixels @ np.array(_LUMA), 1, mode="reflect")
    across = grey[1:-1, :-2] + grey[1:-1, 2:]
    down = grey[:-2, 1:-1] + grey[2:, 1:-1]
    return float((across + down - 4 * grey[1:-1, 1:-1]).var())


@dataclass(frozen=True, slots=True, kw_only=True)
class Apart:
    """How far two pictures are apart: `rgb` the root mean square difference of colour values, of their range 0 to 1;
    `perceptual` (1 - SSIM) / 2, what an eye sees, 0 to 1.
    """

    rgb: float
    perceptual: float


def apart(one: Pixels, other: Pixels) -> Apart | None:
    """Return how far two pictures are apart; None where their sizes differ."""
    if one.shape != other.shape:
        return None
    return Apart(rgb=rgb_change(one, other), perceptual=perceptual_change(one, other))
