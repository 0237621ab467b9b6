"""Metrics of pictures that need no model. Sums are of integers, so the order of addition changes no bit."""

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
"""Pixels: the approximate shorter side for SSIM, as its authors recommend for a usual viewing distance."""

_LUMA = (0.299, 0.587, 0.114)
"""ITU-R BT.601: the perceived brightness of red, green and blue."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageDifference:
    """The difference of two pictures: `rgb` is the root mean square difference of colour values, as a share of their
    range; `perceptual` is (1 - SSIM) / 2, 0 to 1.
    """

    rgb: float
    perceptual: float


def image_difference(one: Pixels, other: Pixels) -> ImageDifference | None:
    """Return the difference of two pictures, or None if their sizes differ. torch loads on the first call."""
    if one.shape != other.shape:
        return None
    return ImageDifference(rgb=rgb_change(one, other), perceptual=perceptual_change(one, other))


def rgb_change(one: Pixels, other: Pixels) -> float:
    """Return the root mean square difference of two pictures' colour values, as a share of their range: 0 to 1."""
    return _root_mean_square(one.astype(np.int64) - other) / 255


def flicker(before: Pixels, this: Pixels, after: Pixels) -> float:
    """Return the root mean square difference of a picture and the mean of its neighbours, as a share of the range.

    It is 0 for a picture halfway between its neighbours, and the full difference for one between two equal ones.
    """
    return _root_mean_square(2 * this.astype(np.int64) - before - after) / (2 * 255)


def perceptual_change(one: Pixels, other: Pixels) -> float:
    """Return (1 - SSIM) / 2 of two pictures: 0 if they are the same, at most 1.

    SSIM compares local means, contrasts and structure (Wang et al. 2004, doi:10.1109/TIP.2003.819861) in Gaussian
    windows of 1.5 pixels. Large pictures are averaged down first, as in the authors' program (ssim.m).
    """
    from torchmetrics.functional.image import structural_similarity_index_measure

    similarity = structural_similarity_index_measure(_ssim_input(one), _ssim_input(other), data_range=1.0)
    return (1 - float(similarity)) / 2


def is_blank(pixels: Pixels) -> bool:
    """Return whether a picture has only one colour."""
    return bool((pixels == pixels[0, 0]).all())


def sharpness(pixels: Pixels) -> float:
    """Return the variance of the Laplacian of a picture's brightness, in squared 8-bit levels: 0 for one colour.

    It grows with edges and their contrast (Pech-Pacheco et al. 2000, doi:10.1109/ICPR.2000.903548), and with noise.
    So it compares pictures of the same content and size; an absolute value means nothing. The Laplacian is that of
    four neighbours; at the border the picture is reflected, as OpenCV does.
    """
    grey = np.pad(pixels @ np.array(_LUMA), 1, mode="reflect")
    across = grey[1:-1, :-2] + grey[1:-1, 2:]
    down = grey[:-2, 1:-1] + grey[2:, 1:-1]
    return float((across + down - 4 * grey[1:-1, 1:-1]).var())


def _root_mean_square(differences: npt.NDArray[np.int64]) -> float:
    return math.sqrt(int(np.square(differences).sum()) / differences.size)


def _ssim_input(pixels: Pixels) -> torch.Tensor:
    """Return float32 [1, 3, height, width] in 0 to 1, at the size for SSIM."""
    import torch
    import torch.nn.functional as F

    planes = torch.from_numpy(pixels.astype(np.float32).transpose(2, 0, 1)[None] / 255)
    factor = max(1, round(min(pixels.shape[:2]) / _SSIM_SIDE))
    return F.avg_pool2d(planes, factor) if factor > 1 else planes
