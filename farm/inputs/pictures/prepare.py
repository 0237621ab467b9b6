"""Derives edges, a canvas or a mask from an input picture."""

from __future__ import annotations

import cv2
import numpy as np
from PIL import Image

from farm.records import CannySpec, ExpandSpec

_OVERLAP = 8
"""Overlap of the mask and the image in pixels, one latent of most VAEs: without it the seam is visible."""


def prepare(image: Image.Image, preparation: CannySpec | ExpandSpec) -> Image.Image:
    """Return the prepared RGB image."""
    match preparation:
        case CannySpec():
            return _edges(image, preparation)
        case ExpandSpec(part="canvas"):
            return _canvas(image, preparation)
        case ExpandSpec():
            return _mask(image, preparation)


def _edges(image: Image.Image, canny: CannySpec) -> Image.Image:
    """Detect edges as in diffusers' ControlNet guide: in the RGB image, then copied to all channels."""
    edges = cv2.Canny(np.asarray(image), canny.low_threshold, canny.high_threshold)
    return Image.fromarray(np.stack([edges] * 3, axis=2))


def _canvas(image: Image.Image, expand: ExpandSpec) -> Image.Image:
    sides = ((expand.top, expand.bottom), (expand.left, expand.right), (0, 0))
    return Image.fromarray(np.pad(np.asarray(image), sides, mode="edge"))


def _mask(image: Image.Image, expand: ExpandSpec) -> Image.Image:
    """Return the mask, white where the pipeline paints: the added sides, and the image's edge along them."""
    left, right, top, bottom = (
        added and added + _OVERLAP for added in (expand.left, expand.right, expand.top, expand.bottom)
    )
    height = expand.top + image.height + expand.bottom
    width = expand.left + image.width + expand.right
    mask = np.full((height, width, 3), 255, np.uint8)
    mask[top : height - bottom, left : width - right] = 0
    return Image.fromarray(mask)
