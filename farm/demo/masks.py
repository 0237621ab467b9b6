"""Where the shape is in a picture, found by its colour without any learnt model, and how well that fits a mask."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from farm.demo.colour import CHROMA_FLOOR, Floats, lab
from farm.demo.vocabulary import COLOURS

Mask = npt.NDArray[np.bool_]
"""Which pixels (row, column) are the shape's."""

_CROSS = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))


def find_shape(picture: Image.Image, colour: str) -> Mask:
    """The largest piece of the picture that is filled with the colour, holes included; all false where there is none.

    First all pixels that are colourful in that hue, by Otsu's threshold (1979). Then the border settles: a pixel
    within, or right beside it, stays or goes by whether its colour is nearer to the median of the piece or to that of
    the three pixels around the piece, which tells a neon sign's tube and halo from its fill.

    Raises:
        KeyError: the world has no such colour.
    """
    pixels = lab(np.asarray(picture.convert("RGB")))
    first = _largest_piece(_colourful(pixels, colour))
    ring = _grown(first, 3) & ~first
    if not first.any() or not ring.any():
        return first
    inside, around = np.median(pixels[first], axis=0), np.median(pixels[ring], axis=0)
    nearer = np.linalg.norm(pixels - inside, axis=-1) < np.linalg.norm(pixels - around, axis=-1)
    return _largest_piece(_grown(first, 1) & nearer)


def overlap(one: Mask, other: Mask) -> float:
    """Intersection over union: 1 for equal masks, 0 where they share nothing or both are empty."""
    union = int((one | other).sum())
    return int((one & other).sum()) / union if union else 0.0


def _colourful(pixels: Floats, colour: str) -> Mask:
    """Pixels whose chroma in the hue of the colour is above Otsu's threshold, and above that of any backdrop."""
    fill = lab(np.array(COLOURS[colour], dtype=np.uint8))[1:]
    chroma = np.clip(pixels[..., 1:] @ fill / np.linalg.norm(fill), 0, 255).astype(np.uint8)
    threshold, _ = cv2.threshold(chroma, 0, 255, cv2.THRESH_OTSU)
    return np.asarray(chroma > max(threshold, CHROMA_FLOOR))


def _largest_piece(mask: Mask) -> Mask:
    """The largest piece of pixels that touch side by side, holes filled."""
    count, labels, facts, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=4)
    if count == 1:
        return mask
    piece = (labels == 1 + facts[1:, cv2.CC_STAT_AREA].argmax()).astype(np.uint8)
    outlines, _ = cv2.findContours(piece, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return cv2.drawContours(np.zeros_like(piece), outlines, -1, 1, cv2.FILLED) > 0


def _grown(mask: Mask, pixels: int) -> Mask:
    return np.asarray(cv2.dilate(mask.astype(np.uint8), _CROSS, iterations=pixels) > 0)
