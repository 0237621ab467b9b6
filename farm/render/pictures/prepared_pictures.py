"""Pictures made from input pictures: edges, and a larger canvas with its mask. OpenCV lives here only."""

from __future__ import annotations

import cv2
import numpy as np
from PIL import Image

from farm.records import Canny, Expand

_OVERLAP = 8
"""Pixels: the mask's reach into the picture, one cell of most VAEs. There the new meets the old; without it the seam
is where the picture ends, and shows."""


def prepare(image: Image.Image, preparation: Canny | Expand) -> Image.Image:
    """Return what is made of an RGB picture, in RGB."""
    match preparation:
        case Canny():
            return _edges(image, preparation)
        case Expand(part="canvas"):
            return _canvas(image, preparation)
        case Expand():
            return _mask(image, preparation)


def _edges(image: Image.Image, canny: Canny) -> Image.Image:
    """As diffusers' ControlNet guide makes them: of the RGB picture, then the same in all channels."""
    edges = cv2.Canny(np.asarray(image), canny.low_threshold, canny.high_threshold)
    return Image.fromarray(np.stack([edges] * 3, axis=2))


def _canvas(image: Image.Image, expand: Expand) -> Image.Image:
    sides = ((expand.top, expand.bottom), (expand.left, expand.right), (0, 0))
    return Image.fromarray(np.pad(np.asarray(image), sides, mode="edge"))


def _mask(image: Image.Image, expand: Expand) -> Image.Image:
    """White is what is painted: the added sides, and the picture's edge along each of them."""
    left, right, top, bottom = (
        added and added + _OVERLAP for added in (expand.left, expand.right, expand.top, expand.bottom)
    )
    height = expand.top + image.height + expand.bottom
    width = expand.left + image.width + expand.right
    mask = np.full((height, width, 3), 255, np.uint8)
    mask[top : height - bottom, left : width - right] = 0
    return Image.fromarray(mask)
