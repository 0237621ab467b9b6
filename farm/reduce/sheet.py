"""The contact sheet: an animation at a glance, as numbered thumbnails."""

from __future__ import annotations

from pathlib import Path

from farm.records import Pixels, SheetSpec, evenly_spaced
from farm.reduce.lettering import Lettering
from farm.reduce.mosaic import Mosaic, fitted


class ContactSheet:
    """Grows frame by frame; its memory is that of its thumbnails."""

    def __init__(self, spec: SheetSpec, frame_count: int) -> None:
        self._spec = spec
        self._shown = evenly_spaced(frame_count, spec.max_frames)
        self._mosaic: Mosaic | None = None

    def add(self, index: int, pixels: Pixels) -> None:
        """Paste a frame's thumbnail, if the sheet shows it."""
        if self._mosaic is None:
            self._mosaic = self._laid_out(width=pixels.shape[1], height=pixels.shape[0])
        self._mosaic.paste(index, pixels)

    def save(self, path: Path) -> None:
        """Write the sheet as PNG; at least one frame was added."""
        assert self._mosaic is not None
        self._mosaic.save(path)

    def _laid_out(self, *, width: int, height: int) -> Mosaic:
        """Return the sheet with its frame numbers and no picture yet."""
        thumbnail = min(width, self._spec.thumbnail)
        cell = fitted(thumbnail, max(1, round(height * thumbnail / width)), count=len(self._shown))
        lettering = Lettering(max(10, min(14, cell[0] // 8)))
        gap = max(6, cell[0] // 16)
        label_width, label_height = lettering.largest([str(index) for index in self._shown])
        label = label_height + 4
        columns = min(self._spec.columns, len(self._shown))
        pitch = (max(cell[0], label_width) + gap, cell[1] + label + gap)
        slack = (pitch[0] - gap - cell[0]) // 2
        origins = {
            index: (gap + slack + place % columns * pitch[0], gap + place // columns * pitch[1])
            for place, index in enumerate(self._shown)
        }
        rows = -(-len(self._shown) // columns)
        mosaic = Mosaic(size=(gap + columns * pitch[0], gap + rows * pitch[1]), cell=cell, origins=origins)
        for index, (left, top) in origins.items():
            box = (left - slack, top + cell[1], left - slack + pitch[0] - gap, top + cell[1] + label)
            lettering.draw(mosaic.canvas, str(index), box, "center")
        return mosaic
