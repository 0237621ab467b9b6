"""A colour measure: which of the world's fill colours a picture shows, without any learnt model.

Backdrops are muted and fills are not, so the fill is where the picture is most colourful. Every pixel whose CIELAB
chroma is above `CHROMA_FLOOR` votes for the fill colour whose hue is nearest to its own, weighted by how far its
chroma is above the floor; red against pink, and orange against yellow, differ in hue too, so lightness is not
asked. CIELAB from sRGB under D65 as in IEC 61966-2-1 and CIE 15:2004.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image

from farm.demo.vocabulary import COLOURS

CHROMA_FLOOR = 27.0
"""CIELAB units. Every backdrop stays below 25; the palest wash of a fill is above."""

Floats = npt.NDArray[np.float64]

_TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
_WHITE = np.array([0.95047, 1.0, 1.08883])


def lab(srgb: npt.NDArray[np.uint8]) -> Floats:
    """CIELAB of sRGB bytes, along the last axis."""
    value = srgb.astype(np.float64) / 255
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    ratio = linear @ _TO_XYZ.T / _WHITE
    bent = np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio / (3 * (6 / 29) ** 2) + 4 / 29)
    x, y, z = bent[..., 0], bent[..., 1], bent[..., 2]
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def fill_votes(image: Image.Image) -> dict[str, float]:
    """The share of the vote that each fill colour gets, adding up to 1; all zero for a picture without colour."""
    _, a, b = np.moveaxis(lab(np.asarray(image.convert("RGB"))), -1, 0)
    weight = np.clip(np.hypot(a, b) - CHROMA_FLOOR, 0, None).ravel()
    palette = lab(np.array(list(COLOURS.values()), dtype=np.uint8))
    hues = np.arctan2(palette[:, 2], palette[:, 1])
    apart = np.abs(np.angle(np.exp(1j * (np.arctan2(b, a).reshape(-1, 1) - hues))))
    votes = np.bincount(apart.argmin(1), weights=weight, minlength=len(COLOURS))
    total = votes.sum() or 1.0
    return {name: float(vote / total) for name, vote in zip(COLOURS, votes, strict=True)}


def fill_colour(image: Image.Image) -> str | None:
    """The fill colour with most of the vote, or None where nothing in the picture is colourful."""
    votes = fill_votes(image)
    name = max(votes, key=lambda colour: votes[colour])
    return name if votes[name] > 0 else None
