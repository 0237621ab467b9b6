"""A job's folder for a notebook: its table, its pictures, and what it looks like."""

from __future__ import annotations

import functools
import operator
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, overload

from PIL import Image

from farm.errors import StorageError, UsageError
from farm.reduce import Summary, read_summary
from farm.reduce.reading import read_table
from farm.run.finished.opened_page import page
from farm.run.finished.rendered import read_rendered
from farm.run.finished.standing import frames_there
from farm.run.finished.state import JobState, last_word, state_of
from farm.store import JobFolder, decode_frame, file_name, lock_holder


class OpenedJob:
    """A job as it was when it was opened; its pictures are read when they are asked for.

    `frames` are the numbers of the frames that are there, in order; `len` counts them, and the job yields their
    pictures. `state` is how it stands. In a notebook it shows itself.
    """

    def __init__(self, url: str) -> None:
        job = read_rendered(url)
        self._folder, manifest = job.folder, job.document.manifest
        self.name = manifest.name
        self.path = self._folder.path("").rstrip("/")
        self.manifest: Mapping[str, Any] = manifest.model_dump(mode="json", by_alias=True)
        self.planned = job.plan.frame_count
        self.frames = frames_there(self._folder, job.plan)
        self.summary: Summary | None = read_summary(self._folder)
        run, last = lock_holder(self._folder), last_word(self._folder)
        self.state: JobState = state_of(run, last, lacks_frames=len(self) < self.planned)

    @functools.cached_property
    def table(self) -> Any:
        """`metadata.parquet` as a pyarrow Table: a row per frame.

        Raises:
            StorageError: when there is none yet, or it cannot be read.
        """
        table = read_table(self._folder, planned=self.planned)
        if table is None:
            raise StorageError(
                f"{self._folder.path('metadata.parquet')}: not there: a run writes it at its end. farm assemble makes "
                "it from the frames that are there."
            )
        return table

    @property
    def images(self) -> Images:
        """The pictures of the frames that are there, each read when it is asked for."""
        return Images(self._folder, self.frames)

    def image(self, frame: int) -> Image.Image:
        """Return the picture of a frame by its number.

        Raises:
            UsageError: when no such frame is planned.
            StorageError: when it is not there, or is not whole.
        """
        number = operator.index(frame)
        if not 0 <= number < self.planned:
            raise UsageError(f"{self.path}: there is no frame {number}; frames are 0 to {self.planned - 1}.")
        if number not in self._there:
            raise StorageError(
                f"{self.path}: frame {number} is not there; {len(self)} of {self.planned} are: see .frames, and farm "
                "inspect says why."
            )
        return _read(self._folder, number)

    def __len__(self) -> int:
        return len(self.frames)

    def __iter__(self) -> Iterator[Image.Image]:
        return iter(self.images)

    def __repr__(self) -> str:
        return f"<job {self.name!r}: {len(self)} of {self.planned} frames, {self.state}, in {self.path!r}>"

    def _repr_html_(self) -> str:
        return page(self)

    @functools.cached_property
    def _there(self) -> frozenset[int]:
        return frozenset(self.frames)


class Images(Sequence[Image.Image]):
    """Pictures of frames, in their order: those of `frames`. A slice is read no sooner than its pictures."""

    def __init__(self, folder: JobFolder, frames: tuple[int, ...]) -> None:
        self._folder = folder
        self.frames = frames

    @overload
    def __getitem__(self, place: int) -> Image.Image: ...

    @overload
    def __getitem__(self, place: slice) -> Images: ...

    def __getitem__(self, place: int | slice) -> Image.Image | Images:
        if isinstance(place, slice):
            return Images(self._folder, self.frames[place])
        if not -len(self) <= place < len(self):
            there = f"there are {len(self)}, 0 to {len(self) - 1}" if self.frames else "there are none"
            raise IndexError(f"no picture {place}: {there}; .frames says of which frames.")
        return _read(self._folder, self.frames[place])

    def __len__(self) -> int:
        return len(self.frames)

    def __repr__(self) -> str:
        return f"<{len(self)} pictures of {self._folder.path('').rstrip('/')!r}>"


def _read(folder: JobFolder, frame: int) -> Image.Image:
    name = file_name(frame)
    return Image.fromarray(decode_frame(folder.read(name), folder.path(name)))
