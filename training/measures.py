"""Measures of a picture without a learned model: fill colour, mask of the shape, roughness, difference of pictures.

Backdrops are muted and fills are not, so the fill is where a picture is most colourful. CIELAB is computed from sRGB
under D65 as in IEC 61966-2-1 and CIE 15:2004.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from training.scenes import COLOURS

CHROMA_FLOOR = 27.0
"""CIELAB units. Every backdrop stays below 25; the palest wash of a fill is above."""

Floats = npt.NDArray[np.float64]

Mask = npt.NDArray[np.bool_]
"""True (row, column) where a pixel belongs to the shape."""

_TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
_WHITE = np.array([0.95047, 1.0, 1.08883])
_CROSS = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))


def lab(srgb: npt.NDArray[np.uint8]) -> Floats:
    """Convert sRGB bytes to CIELAB along the last axis."""
    value = srgb.astype(np.float64) / 255
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    ratio = linear @ _TO_XYZ.T / _WHITE
    bent = np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio / (3 * (6 / 29) ** 2) + 4 / 29)
    x, y, z = bent[..., 0], bent[..., 1], bent[..., 2]
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def fill_votes(image: Image.Image) -> dict[str, float]:
    """Return each fill colour's share of the vote; shares add up to 1, or are all 0 for a picture without colour.

    Every pixel with a CIELAB chroma above `CHROMA_FLOOR` votes for the fill colour nearest in hue, weighted by how far
    its chroma exceeds the floor. Red and pink, and orange and yellow, differ in hue too, so lightness is ignored.
    """
    _, a, b = np.moveaxis(lab(np.asarray(image.convert("RGB"))), -1, 0)
    weight = np.clip(np.hypot(a, b) - CHROMA_FLOOR, 0, None).ravel()
    palette = lab(np.array(list(COLOURS.values()), dtype=np.uint8))
    hues = np.arctan2(palette[:, 2], palette[:, 1])
    distances = np.abs(np.angle(np.exp(1j * (np.arctan2(b, a).reshape(-1, 1) - hues))))
    votes = np.bincount(distances.argmin(1), weights=weight, minlength=len(COLOURS))
    total = votes.sum() or 1.0
    return {name: float(vote / total) for name, vote in zip(COLOURS, votes, strict=True)}


def fill_colour(image: Image.Image) -> str | None:
    """Return the fill colour with the largest vote, or None if nothing in the picture is colourful."""
    votes = fill_votes(image)
    name = max(votes, key=lambda colour: votes[colour])
    return name if votes[name] > 0 else None


def find_shape(picture: Image.Image, colour: str) -> Mask:
    """Return the largest connected area filled with the colour, holes included; all False if there is none.

    The first estimate is all pixels that are colourful in that hue, by Otsu's threshold (1979). Then the border is
    refined: a pixel in the area, or touching it, belongs to the shape if its colour is nearer to the median of the
    area than to the median of the three pixels around it. This separates a neon sign's tube and halo from its fill.

    Raises:
        KeyError: no such colour.
    """
    pixels = lab(np.asarray(picture.convert("RGB")))
    first = _largest_area(_colourful(pixels, colour))
    ring = _dilated(first, 3) & ~first
    if not first.any() or not ring.any():
        return first
    inside, around = np.median(pixels[first], axis=0), np.median(pixels[ring], axis=0)
    nearer = np.linalg.norm(pixels - inside, axis=-1) < np.linalg.norm(pixels - around, axis=-1)
    return _largest_area(_dilated(first, 1) & nearer)


def intersection_over_union(one: Mask, other: Mask) -> float:
    """Return 1 for equal masks, 0 for disjoint or empty ones."""
    union = int((one | other).sum())
    return int((one & other).sum()) / union if union else 0.0


def roughness(picture: Image.Image) -> float:
    """Return the mean absolute difference of neighbouring pixels, as a share of the value range.

    Noise is far rougher than a drawn picture: uniform noise has 0.33, a drawn picture at most about 0.06.
    """
    pixels = _unit_range(picture)
    return float(np.abs(np.diff(pixels, axis=0)).mean() + np.abs(np.diff(pixels, axis=1)).mean()) / 2


def largest_jump(frames: Sequence[Image.Image]) -> float:
    """Return the largest root-mean-square change between consecutive frames, as a share of the value range."""
    arrays = [_unit_range(frame) for frame in frames]
    return max(float(np.sqrt(np.mean((b - a) ** 2))) for a, b in itertools.pairwise(arrays))


def squared_errors_outside(one: Image.Image, other: Image.Image, mask: Mask, distance: int = 0) -> Floats:
    """Return the squared differences (values 0..255) of pixels more than `distance` away from the mask, flattened."""
    reach = np.ones((2 * distance + 1,) * 2, dtype=np.uint8)
    outside = cv2.dilate(mask.astype(np.uint8), reach) == 0
    error = np.asarray(one, dtype=np.float64)[outside] - np.asarray(other, dtype=np.float64)[outside]
    return np.square(error).ravel()


def psnr(squared_errors: Floats) -> float:
    """Return the peak signal-to-noise ratio in dB, infinite if nothing differs."""
    mean = squared_errors.mean()
    return float(10 * np.log10(255**2 / mean)) if mean else math.inf


def _colourful(pixels: Floats, colour: str) -> Mask:
    """Return the pixels whose chroma in the colour's hue exceeds both Otsu's threshold and that of any backdrop."""
    fill = lab(np.array(COLOURS[colour], dtype=np.uint8))[1:]
    chroma = np.clip(pixels[..., 1:] @ fill / np.linalg.norm(fill), 0, 255).astype(np.uint8)
    threshold, _ = cv2.threshold(chroma, 0, 255, cv2.THRESH_OTSU)
    return np.asarray(chroma > max(threshold, CHROMA_FLOOR))


def _largest_area(mask: Mask) -> Mask:
    """Return the largest 4-connected area of the mask with its holes filled."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=4)
    if count == 1:
        return mask
    area = (labels == 1 + stats[1:, cv2.CC_STAT_AREA].argmax()).astype(np.uint8)
    outlines, _ = cv2.findContours(area, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return cv2.drawContours(np.zeros_like(area), outlines, -1, 1, cv2.FILLED) > 0


def _dilated(mask: Mask, pixels: int) -> Mask:
    return np.asarray(cv2.dilate(mask.astype(np.uint8), _CROSS, iterations=pixels) > 0)


def _unit_range(picture: Image.Image) -> npt.NDArray[np.floating]:
    return np.asarray(picture.convert("RGB"), dtype=np.float32) / 255
