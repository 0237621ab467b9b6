"""Two pictures of one frame, looked at side by side. torch loads with the first pair."""

from __future__ import annotations

from dataclasses import dataclass

from farm.records import Pixels


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
    from farm.analyze.see.smoothness import perceptual_change, rgb_change

    return Apart(rgb=rgb_change(one, other), perceptual=perceptual_change(one, other))
