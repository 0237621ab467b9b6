"""The contact sheet: an animation at a glance, as numbered thumbnails."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
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
        layout = _Layout.of(self._spec, self._shown, width=width, height=height)
        cell, gap, pitch, columns = layout.cell, layout.gap, layout.pitch, layout.columns
        slack = (pitch[0] - gap - cell[0]) // 2
        origins = {
            index: (gap + slack + place % columns * pitch[0], gap + place // columns * pitch[1])
            for place, index in enumerate(self._shown)
        }
        mosaic = Mosaic(size=layout.size, cell=cell, origins=origins)
        for index, (left, top) in origins.items():
            box = (left - slack, top + cell[1], left - slack + pitch[0] - gap, top + pitch[1] - gap)
            layout.lettering.draw(mosaic.canvas, str(index), box, "center")
        return mosaic


def sheet_size(spec: SheetSpec, *, width: int, height: int, frame_count: int) -> tuple[int, int]:
    """Return the width and height of the sheet of `frame_count` frames of a size."""
    return _Layout.of(spec, evenly_spaced(frame_count, spec.max_frames), width=width, height=height).size


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layout:
    """Where everything goes, in pixels: cells are `pitch` apart, each with its number below it."""

    cell: tuple[int, int]
    pitch: tuple[int, int]
    gap: int
    columns: int
    rows: int
    lettering: Lettering

    @classmethod
    def of(cls, spec: SheetSpec, shown: Sequence[int], *, width: int, height: int) -> _Layout:
        """Lay out cells for the frames `shown`, as large as the thumbnails that all can be seen of."""
        thumbnail = min(width, spec.thumbnail)
        cell = fitted(thumbnail, max(1, round(height * thumbnail / width)), count=len(shown))
        lettering = Lettering(max(10, min(14, cell[0] // 8)))
        gap = max(6, cell[0] // 16)
        label_width, label_height = lettering.largest([str(index) for index in shown])
        columns = min(spec.columns, len(shown))
        return cls(
            cell=cell,
            pitch=(max(cell[0], label_width) + gap, cell[1] + label_height + 4 + gap),
            gap=gap,
            columns=columns,
            rows=-(-len(shown) // columns),
            lettering=lettering,
        )

    @property
    def size(self) -> tuple[int, int]:
        """The width and height of the whole."""
        return self.gap + self.columns * self.pitch[0], self.gap + self.rows * self.pitch[1]
