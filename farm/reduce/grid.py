"""The grid picture: every frame at full size, row by row, with labels on the axes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from farm.records import GridSpec, Pixels
from farm.reduce.lettering import Lettering, shortened
from farm.reduce.mosaic import Mosaic, fitted

_TITLE = 2000
_LABEL = 200
"""Characters that are drawn of a title and of a label."""


class GridPicture:
    """Grows frame by frame; its memory is that of its picture."""

    def __init__(self, spec: GridSpec) -> None:
        self._spec = spec
        self._mosaic: Mosaic | None = None

    def add(self, index: int, pixels: Pixels) -> None:
        """Paste a frame: frame 0 at the top left, then to the right, then down."""
        if self._mosaic is None:
            height, width, _ = pixels.shape
            self._mosaic = _Layout.of(self._spec, width=width, height=height).mosaic(self._spec)
        self._mosaic.paste(index, pixels)

    def save(self, path: Path) -> None:
        """Write the grid as PNG; at least one frame was added."""
        assert self._mosaic is not None
        self._mosaic.save(path)


def grid_size(spec: GridSpec, *, width: int, height: int) -> tuple[int, int]:
    """Return the width and height of a grid of frames of a size, lettering included."""
    return _Layout.of(spec, width=width, height=height).size(spec)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layout:
    """Where everything goes, in pixels. `left` and `top` are the first cell's; cells are `pitch` apart."""

    cell: tuple[int, int]
    pitch: tuple[int, int]
    left: int
    top: int
    gap: int
    title: str
    title_height: int
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    lettering: Lettering
    heading: Lettering

    @classmethod
    def of(cls, spec: GridSpec, *, width: int, height: int) -> _Layout:
        """Make room for the labels first: a label wider than a frame moves the frames apart."""
        cell = fitted(width, height, count=spec.rows * spec.columns)
        size = max(13, min(32, cell[0] // 18))
        lettering, heading = Lettering(size), Lettering(size * 1.2)
        gap = max(4, cell[0] // 32)
        rows = tuple(
            lettering.wrapped(shortened(label, _LABEL), max(cell[0], 14 * size)) for label in spec.row_labels
        )
        columns = tuple(
            lettering.wrapped(shortened(label, _LABEL), max(cell[0], 6 * size))
            for label in spec.column_labels
        )
        row_width, row_height = lettering.largest(rows)
        column_width, column_height = lettering.largest(columns)
        pitch = (max(cell[0], column_width + gap) + gap, max(cell[1], row_height + gap) + gap)
        left = 2 * gap + (row_width + 2 * gap if row_width else 0)
        body = left + spec.columns * pitch[0] + gap
        title = heading.wrapped(shortened(spec.title, _TITLE), max(body - 4 * gap, 24 * size))
        title_height = heading.size(title)[1]
        top = 2 * gap + sum(part + 2 * gap for part in (title_height, column_height) if part)
        return cls(
            cell=cell, pitch=pitch, left=left, top=top, gap=gap, title=title, title_height=title_height,
            rows=rows, columns=columns, lettering=lettering, heading=heading,
        )  # fmt: skip

    def size(self, spec: GridSpec) -> tuple[int, int]:
        """Return the width and height of the whole."""
        right = self.left + spec.columns * self.pitch[0] + self.gap
        bottom = self.top + spec.rows * self.pitch[1] + self.gap
        title_width = self.heading.size(self.title)[0] + 4 * self.gap
        return max(right, title_width), bottom

    def mosaic(self, spec: GridSpec) -> Mosaic:
        """Return the grid with its lettering and no picture yet."""
        mosaic = Mosaic(
            size=self.size(spec),
            cell=self.cell,
            origins={
                index: self._origin(*divmod(index, spec.columns)) for index in range(spec.rows * spec.columns)
            },
        )
        self._letter(mosaic)
        return mosaic

    def _origin(self, row: int, column: int) -> tuple[int, int]:
        slack_x = (self.pitch[0] - self.gap - self.cell[0]) // 2
        slack_y = (self.pitch[1] - self.gap - self.cell[1]) // 2
        return self.left + column * self.pitch[0] + slack_x, self.top + row * self.pitch[1] + slack_y

    def _letter(self, mosaic: Mosaic) -> None:
        canvas, gap = mosaic.canvas, self.gap
        if self.title:
            title = (2 * gap, 2 * gap, canvas.width - 2 * gap, 2 * gap + self.title_height)
            self.heading.draw(canvas, self.title, title, "left")
        for column, label in enumerate(self.columns):
            left = self.left + column * self.pitch[0]
            above = self.lettering.largest(self.columns)[1]
            box = (left, self.top - 2 * gap - above, left + self.pitch[0] - gap, self.top - 2 * gap)
            self.lettering.draw(canvas, label, box, "center")
        for row, label in enumerate(self.rows):
            top = self.top + row * self.pitch[1]
            box = (2 * gap, top, self.left - 2 * gap, top + self.pitch[1] - gap)
            self.lettering.draw(canvas, label, box, "right")
