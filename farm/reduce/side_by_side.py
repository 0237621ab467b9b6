"""Two jobs side by side: some of their frames, one job above the other, above where they differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from farm.records import GridSpec, Pixels
from farm.reduce.grid import GridPicture

_SMALLEST, _LARGEST = 144, 288
"""Pixels: to about so wide a frame is enlarged by a whole factor, or made smaller."""

_STOPS = (0.0, 0.15, 0.45, 0.75, 1.0)
_COLOURS = ((250, 250, 250), (252, 226, 170), (240, 130, 80), (150, 35, 90), (35, 10, 50))
"""From nothing, which is paper, to the largest difference; ever darker, so that it reads without colours, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A frame in both jobs. `caption` is what is said of it."""

    caption: str
    first: Pixels
    second: Pixels


def save_side_by_side(path: Path, title: str, labels: tuple[str, str], pairs: Sequence[Pair]) -> None:
    """Write a PNG with a column per pair, the first job's frames in the first row; `labels` stand before the rows.

    The third row shows where both differ, all on one scale; it is not there where any two sizes differ.
    """
    alike = all(pair.first.shape == pair.second.shape for pair in pairs)
    apart = [_apart(pair) for pair in pairs] if alike else []
    largest = max((float(one.max()) for one in apart), default=0.0)
    legend = (f"difference: {largest:.2f} of the range where darkest",) if apart else ()
    spec = GridSpec(
        rows=2 + len(legend),
        columns=len(pairs),
        row_labels=(*labels, *legend),
        column_labels=tuple(pair.caption for pair in pairs),
        title=title,
    )
    rows = [
        [pair.first for pair in pairs],
        [pair.second for pair in pairs],
        [_coloured(one / largest if largest else one) for one in apart],
    ]
    grid = GridPicture(spec)
    for index, pixels in enumerate(pixels for row in rows for pixels in row):
        grid.add(index, _sized(pixels))
    grid.save(path)


def _apart(pair: Pair) -> npt.NDArray[np.float64]:
    """Return the root mean square difference of each pixel's colour values, of their range, [height, width]."""
    differences = pair.first.astype(np.float64) - pair.second
    root: npt.NDArray[np.float64] = np.sqrt(np.square(differences).mean(axis=-1)) / 255
    return root


def _coloured(shares: npt.NDArray[np.float64]) -> Pixels:
    channels = [np.interp(shares, _STOPS, values) for values in zip(*_COLOURS, strict=True)]
    return np.stack(channels, axis=-1).round().astype(np.uint8)


def _sized(pixels: Pixels) -> Pixels:
    height, width, _ = pixels.shape
    scale = -(-_SMALLEST // width) if width < _SMALLEST else min(1.0, _LARGEST / width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    # Bicubic, for the reasons that GifWriter gives.
    how = Image.Resampling.BICUBIC if scale > 1 else Image.Resampling.LANCZOS
    return np.asarray(Image.fromarray(pixels).resize(size, how))
