"""How sharp a picture is. numpy alone."""

from __future__ import annotations

import numpy as np

from farm.records import Pixels

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
