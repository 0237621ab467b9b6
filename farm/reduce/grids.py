"""Grids of frames: `grid.png` with labels on its axes, the contact sheet, and two jobs side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from farm.records import GridSpec, Pixels, SheetSpec, evenly_spaced
from farm.reduce.mosaic import Lettering, Mosaic, fitted, shortened

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

_MAX_TITLE = 2000
_MAX_LABEL = 200
"""Maximum characters of a title and of a label."""

_MIN_WIDTH, _MAX_WIDTH = 144, 288
"""Pixels: narrower frames are enlarged by an integer factor, wider ones reduced."""

_STOPS = (0.0, 0.15, 0.45, 0.75, 1.0)
_COLOURS = ((250, 250, 250), (252, 226, 170), (240, 130, 80), (150, 35, 90), (35, 10, 50))
"""From no difference (paper) to the largest one; ever darker, so that it is readable without colours too."""


class GridPicture:
    """All frames at full size, row by row, with labels on the axes; it keeps one picture in memory."""

    def __init__(self, spec: GridSpec) -> None:
        self._spec = spec
        self._mosaic: Mosaic | None = None

    def add(self, index: int, pixels: Pixels) -> None:
        """Paste a frame: frame 0 at the top left, then to the right, then down."""
        if self._mosaic is None:
            height, width, _ = pixels.shape
            self._mosaic = _GridLayout.of(self._spec, width=width, height=height).mosaic(self._spec)
        self._mosaic.paste(index, pixels)

    def save(self, path: Path) -> None:
        """Write the grid as PNG; at least one frame was added."""
        assert self._mosaic is not None
        self._mosaic.save(path)


def grid_size(spec: GridSpec, *, width: int, height: int) -> tuple[int, int]:
    """Return the width and height of a grid of frames of this size, including its text."""
    return _GridLayout.of(spec, width=width, height=height).size(spec)


@dataclass(frozen=True, slots=True, kw_only=True)
class _GridLayout:
    """Positions in pixels. `left` and `top` are those of the first cell; `pitch` is the distance between cells."""

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
    def of(cls, spec: GridSpec, *, width: int, height: int) -> _GridLayout:
        """Return a layout with space for the labels: a label wider than a frame increases the pitch."""
        cell = fitted(width, height, count=spec.rows * spec.columns)
        size = max(13, min(32, cell[0] // 18))
        lettering, heading = Lettering(size), Lettering(size * 1.2)
        gap = max(4, cell[0] // 32)
        rows = tuple(
            lettering.wrapped(shortened(label, _MAX_LABEL), max(cell[0], 14 * size))
            for label in spec.row_labels
        )
        columns = tuple(
            lettering.wrapped(shortened(label, _MAX_LABEL), max(cell[0], 6 * size))
            for label in spec.column_labels
        )
        row_width, row_height = lettering.largest(rows)
        column_width, column_height = lettering.largest(columns)
        pitch = (max(cell[0], column_width + gap) + gap, max(cell[1], row_height + gap) + gap)
        left = 2 * gap + (row_width + 2 * gap if row_width else 0)
        body = left + spec.columns * pitch[0] + gap
        title = heading.wrapped(shortened(spec.title, _MAX_TITLE), max(body - 4 * gap, 24 * size))
        title_height = heading.size(title)[1]
        top = 2 * gap + sum(part + 2 * gap for part in (title_height, column_height) if part)
        return cls(
            cell=cell, pitch=pitch, left=left, top=top, gap=gap, title=title, title_height=title_height,
            rows=rows, columns=columns, lettering=lettering, heading=heading,
        )  # fmt: skip

    def size(self, spec: GridSpec) -> tuple[int, int]:
        """Return the width and height of the picture."""
        right = self.left + spec.columns * self.pitch[0] + self.gap
        bottom = self.top + spec.rows * self.pitch[1] + self.gap
        title_width = self.heading.size(self.title)[0] + 4 * self.gap
        return max(right, title_width), bottom

    def mosaic(self, spec: GridSpec) -> Mosaic:
        """Return the grid with its text and without pictures."""
        mosaic = Mosaic(
            size=self.size(spec),
            cell=self.cell,
            origins={
                index: self._origin(*divmod(index, spec.columns)) for index in range(spec.rows * spec.columns)
            },
        )
        self._draw_text(mosaic)
        return mosaic

    def _origin(self, row: int, column: int) -> tuple[int, int]:
        slack_x = (self.pitch[0] - self.gap - self.cell[0]) // 2
        slack_y = (self.pitch[1] - self.gap - self.cell[1]) // 2
        return self.left + column * self.pitch[0] + slack_x, self.top + row * self.pitch[1] + slack_y

    def _draw_text(self, mosaic: Mosaic) -> None:
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


class ContactSheetWriter:
    """An animation at a glance, as numbered thumbnails; it keeps one picture in memory."""

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
        """Return the sheet with its frame numbers and without pictures."""
        layout = _SheetLayout.of(self._spec, self._shown, width=width, height=height)
        cell, gap, pitch, columns = layout.cell, layout.gap, layout.pitch, layout.columns
        slack = (pitch[0] - gap - cell[0]) // 2
        origins = {
            index: (gap + slack + position % columns * pitch[0], gap + position // columns * pitch[1])
            for position, index in enumerate(self._shown)
        }
        mosaic = Mosaic(size=layout.size, cell=cell, origins=origins)
        for index, (left, top) in origins.items():
            box = (left - slack, top + cell[1], left - slack + pitch[0] - gap, top + pitch[1] - gap)
            layout.lettering.draw(mosaic.canvas, str(index), box, "center")
        return mosaic


def sheet_size(spec: SheetSpec, *, width: int, height: int, frame_count: int) -> tuple[int, int]:
    """Return the width and height of the sheet of `frame_count` frames of this size."""
    return _SheetLayout.of(spec, evenly_spaced(frame_count, spec.max_frames), width=width, height=height).size


@dataclass(frozen=True, slots=True, kw_only=True)
class _SheetLayout:
    """Positions in pixels: `pitch` is the distance between cells, each with its number below it."""

    cell: tuple[int, int]
    pitch: tuple[int, int]
    gap: int
    columns: int
    rows: int
    lettering: Lettering

    @classmethod
    def of(cls, spec: SheetSpec, shown: Sequence[int], *, width: int, height: int) -> _SheetLayout:
        """Return a layout of the frames `shown`, with cells of thumbnail size, or smaller if there are too many."""
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
        """The width and height of the picture."""
        return self.gap + self.columns * self.pitch[0], self.gap + self.rows * self.pitch[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A frame in both jobs, with a caption."""

    caption: str
    first: Pixels
    second: Pixels


def save_side_by_side(path: Path, title: str, labels: tuple[str, str], pairs: Sequence[Pair]) -> None:
    """Write a PNG with a column per pair, the first job's frames in the first row; `labels` are those of the rows.

    The third row shows the differences, all on one scale; it is omitted if any two sizes differ.
    """
    same_sizes = all(pair.first.shape == pair.second.shape for pair in pairs)
    differences = [_difference(pair) for pair in pairs] if same_sizes else []
    largest = max((float(one.max()) for one in differences), default=0.0)
    legend = (f"difference (darkest: {largest:.2f} of the range)",) if differences else ()
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
        [_coloured(one / largest if largest else one) for one in differences],
    ]
    grid = GridPicture(spec)
    for index, pixels in enumerate(pixels for row in rows for pixels in row):
        grid.add(index, _sized(pixels))
    grid.save(path)


def _difference(pair: Pair) -> npt.NDArray[np.float64]:
    """Return each pixel's root mean square difference of colour values, as a share of their range: [height, width]."""
    import numpy as np

    values = pair.first.astype(np.float64) - pair.second
    root: npt.NDArray[np.float64] = np.sqrt(np.square(values).mean(axis=-1)) / 255
    return root


def _coloured(shares: npt.NDArray[np.float64]) -> Pixels:
    import numpy as np

    channels = [np.interp(shares, _STOPS, values) for values in zip(*_COLOURS, strict=True)]
    return np.stack(channels, axis=-1).round().astype(np.uint8)


def _sized(pixels: Pixels) -> Pixels:
    import numpy as np
    from PIL import Image

    height, width, _ = pixels.shape
    scale = -(-_MIN_WIDTH // width) if width < _MIN_WIDTH else min(1.0, _MAX_WIDTH / width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    # Bicubic for the reasons given in GifWriter.
    how = Image.Resampling.BICUBIC if scale > 1 else Image.Resampling.LANCZOS
    return np.asarray(Image.fromarray(pixels).resize(size, how))
