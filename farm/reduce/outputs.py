"""The outputs of a job behind one small interface: each takes every frame once, in order, then finishes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

from farm.records import GifSpec, GridSpec, Mp4Spec, OutputSpec, Pixels, SheetSpec
from farm.reduce.gif import GifWriter, PaletteSurvey, playing_order
from farm.reduce.grids import ContactSheet, GridPicture
from farm.reduce.mp4 import Mp4Writer

Read = Callable[[int], Pixels]

_SUFFIXES = {"gif": "gif", "mp4": "mp4", "contact_sheet": "png", "grid": "png"}


class Output(Protocol):
    """A file in the making at a local path."""

    def add(self, index: int, pixels: Pixels) -> None:
        """Take the next frame."""

    def finish(self, frames: Sequence[int], read: Read) -> None:
        """Make the file whole. `frames` are those that were added, and `read` gives one again."""


def possible_names(name: str) -> frozenset[str]:
    """Return the names of all outputs that a job may have, wanted or not."""
    return frozenset(file_name_of(field, name) for field in _SUFFIXES)


def file_name_of(field: str, name: str) -> str:
    """Return the file that a field of the manifest's `output` asks for, of the job `name`."""
    own = name if field in ("gif", "mp4") else field
    return f"{own}.{_SUFFIXES[field]}"


def file_names(name: str, spec: OutputSpec) -> dict[str, Callable[[Path, int], Output]]:
    """Return the files wanted of the job `name`, each with its maker from a path and a frame count."""
    wanted: dict[str, Callable[[Path, int], Output]] = {}
    if (mp4 := spec.mp4) is not None:
        wanted[f"{name}.mp4"] = lambda path, _: _Mp4(path, mp4)
    if (gif := spec.gif) is not None:
        wanted[f"{name}.gif"] = lambda path, count: _Gif(path, gif, count)
    if (sheet := spec.contact_sheet) is not None:
        wanted["contact_sheet.png"] = lambda path, count: _Sheet(path, sheet, count)
    if (grid := spec.grid) is not None:
        wanted["grid.png"] = lambda path, _: _Grid(path, grid)
    return wanted


class _Mp4:
    def __init__(self, path: Path, spec: Mp4Spec) -> None:
        self._writer = Mp4Writer(path, spec)

    def add(self, index: int, pixels: Pixels) -> None:
        self._writer.add(pixels)

    def finish(self, frames: Sequence[int], read: Read) -> None:
        self._writer.close()


class _Gif:
    """Surveys the colours of every frame first, if one palette is to serve all, and encodes at the end."""

    def __init__(self, path: Path, spec: GifSpec, frame_count: int) -> None:
        self._path = path
        self._spec = spec
        self._survey = PaletteSurvey(frame_count) if spec.palette == "global" else None

    def add(self, index: int, pixels: Pixels) -> None:
        if self._survey is not None:
            self._survey.add(index, pixels)

    def finish(self, frames: Sequence[int], read: Read) -> None:
        palette = self._survey.palette(self._spec.colors) if self._survey is not None else None
        writer = GifWriter(self._path, self._spec, palette)
        for pixels in self._played(frames, read):
            writer.add(pixels)
        writer.close()

    def _played(self, frames: Sequence[int], read: Read) -> Iterator[Pixels]:
        return map(read, playing_order(frames, rubber_band=self._spec.rubber_band))


class _Sheet:
    def __init__(self, path: Path, spec: SheetSpec, frame_count: int) -> None:
        self._path = path
        self._sheet = ContactSheet(spec, frame_count)

    def add(self, index: int, pixels: Pixels) -> None:
        self._sheet.add(index, pixels)

    def finish(self, frames: Sequence[int], read: Read) -> None:
        self._sheet.save(self._path)


class _Grid:
    def __init__(self, path: Path, spec: GridSpec) -> None:
        self._path = path
        self._grid = GridPicture(spec)

    def add(self, index: int, pixels: Pixels) -> None:
        self._grid.add(index, pixels)

    def finish(self, frames: Sequence[int], read: Read) -> None:
        self._grid.save(self._path)
