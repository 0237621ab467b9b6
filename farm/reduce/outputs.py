"""The outputs of a job behind one interface: each takes every frame once, in order, then finishes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

from farm.records import GifSpec, GridSpec, Mp4Spec, OutputSpec, Pixels, SheetSpec
from farm.reduce.gif import GifWriter, PaletteSampler, playing_order
from farm.reduce.grids import ContactSheetWriter, GridPicture
from farm.reduce.mp4 import Mp4Writer

ReadFrame = Callable[[int], Pixels]
"""Returns the pixels of a frame by its index."""

_SUFFIXES = {"gif": "gif", "mp4": "mp4", "contact_sheet": "png", "grid": "png"}


class OutputWriter(Protocol):
    """Writes an output to a local path."""

    def add(self, index: int, pixels: Pixels) -> None:
        """Add the next frame."""

    def finish(self, frames: Sequence[int], read: ReadFrame) -> None:
        """Complete the file. `frames` are the added ones, and `read` returns the pixels of one again."""


def possible_names(name: str) -> frozenset[str]:
    """Return the names of all outputs that a job may have."""
    return frozenset(file_name_of(field, name) for field in _SUFFIXES)


def file_name_of(field: str, name: str) -> str:
    """Return the file name of a field of the manifest's `output` for the job `name`."""
    own = name if field in ("gif", "mp4") else field
    return f"{own}.{_SUFFIXES[field]}"


def output_makers(name: str, spec: OutputSpec) -> dict[str, Callable[[Path, int], OutputWriter]]:
    """Return the output files of the job `name`, each with a function that opens it for a path and a frame count."""
    makers: dict[str, Callable[[Path, int], OutputWriter]] = {}
    if (mp4 := spec.mp4) is not None:
        makers[f"{name}.mp4"] = lambda path, _: _Mp4(path, mp4)
    if (gif := spec.gif) is not None:
        makers[f"{name}.gif"] = lambda path, count: _Gif(path, gif, count)
    if (sheet := spec.contact_sheet) is not None:
        makers["contact_sheet.png"] = lambda path, count: _Sheet(path, sheet, count)
    if (grid := spec.grid) is not None:
        makers["grid.png"] = lambda path, _: _Grid(path, grid)
    return makers


class _Mp4:
    def __init__(self, path: Path, spec: Mp4Spec) -> None:
        self._writer = Mp4Writer(path, spec)

    def add(self, index: int, pixels: Pixels) -> None:
        self._writer.add(pixels)

    def finish(self, frames: Sequence[int], read: ReadFrame) -> None:
        self._writer.close()


class _Gif:
    """Samples the colours of every frame for a global palette, and encodes at the end."""

    def __init__(self, path: Path, spec: GifSpec, frame_count: int) -> None:
        self._path = path
        self._spec = spec
        self._sampler = PaletteSampler(frame_count) if spec.palette == "global" else None

    def add(self, index: int, pixels: Pixels) -> None:
        if self._sampler is not None:
            self._sampler.add(index, pixels)

    def finish(self, frames: Sequence[int], read: ReadFrame) -> None:
        palette = self._sampler.palette(self._spec.colors) if self._sampler is not None else None
        writer = GifWriter(self._path, self._spec, palette)
        for pixels in self._playing(frames, read):
            writer.add(pixels)
        writer.close()

    def _playing(self, frames: Sequence[int], read: ReadFrame) -> Iterator[Pixels]:
        return map(read, playing_order(frames, rubber_band=self._spec.rubber_band))


class _Sheet:
    def __init__(self, path: Path, spec: SheetSpec, frame_count: int) -> None:
        self._path = path
        self._sheet = ContactSheetWriter(spec, frame_count)

    def add(self, index: int, pixels: Pixels) -> None:
        self._sheet.add(index, pixels)

    def finish(self, frames: Sequence[int], read: ReadFrame) -> None:
        self._sheet.save(self._path)


class _Grid:
    def __init__(self, path: Path, spec: GridSpec) -> None:
        self._path = path
        self._grid = GridPicture(spec)

    def add(self, index: int, pixels: Pixels) -> None:
        self._grid.add(index, pixels)

    def finish(self, frames: Sequence[int], read: ReadFrame) -> None:
        self._grid.save(self._path)
