"""One output while it is made: what goes wrong with it is kept, and costs no other output."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from farm.errors import STOPPING, FarmError
from farm.records import Pixels
from farm.reduce.frame_queue import Cancelled
from farm.reduce.outputs import Output, Read
from farm.reduce.sizes import Misfit
from farm.reduce.summary import Artifact
from farm.store import JobFolder


class NotOfTheOutput(Exception):
    """Raised by what an output reads; its cause is an error of a frame, which ends all outputs."""


class OutputInTheMaking:
    """The file `name` from its first frame to its publication, as a context manager: unpublished, nothing of it stays.

    `error` says why it could not be made; it takes no frames then. Empty as long as all is well.
    """

    def __init__(
        self, folder: JobFolder, name: str, make: Callable[[Path, int], Output], frame_count: int
    ) -> None:
        self._folder, self._name = folder, name
        self._make, self._frame_count = make, frame_count
        self._writing = contextlib.ExitStack()
        self._path = Path()
        self._output: Output | None = None
        self.error = ""

    def __enter__(self) -> Self:
        if self.error:
            return self
        with self._keeping_errors():
            self._path = self._writing.enter_context(self._folder.writing(self._name))
            self._output = self._make(self._path, self._frame_count)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._discard()

    def refuse(self, misfit: Misfit) -> None:
        """Make nothing of it, since it would be too large."""
        with self._keeping_errors():
            raise FarmError(f"{self._folder.path(self._name)}: {misfit}")

    def add(self, index: int, pixels: Pixels) -> None:
        """Take the next frame."""
        with self._keeping_errors():
            if self._output is not None:
                self._output.add(index, pixels)

    def finish(self, frames: Sequence[int], read: Read) -> None:
        """Make the file whole; see `Output`."""
        with self._keeping_errors():
            if self._output is not None:
                self._output.finish(frames, read)

    def publish(self) -> Artifact | None:
        """Put the file in the place of its former one, and return it; None if it could not be made."""
        with self._keeping_errors():
            if self._output is not None:
                artifact = Artifact(name=self._name, bytes=self._path.stat().st_size)
                self._output = None
                self._writing.close()
                return artifact
        return None

    @contextlib.contextmanager
    def _keeping_errors(self) -> Iterator[None]:
        try:
            with self._folder.write_errors(self._name, self._path):
                yield
        except (*STOPPING, Cancelled, NotOfTheOutput):
            raise
        except BaseException as error:
            self.error = str(error) if isinstance(error, FarmError) else self._told(error)
            self._discard()

    def _told(self, error: BaseException) -> str:
        return (
            f"{self._folder.path(self._name)}: cannot be assembled: {type(error).__name__}: {error}. "
            "The frames are safe: run `farm assemble` on the folder to try again."
        )

    def _discard(self) -> None:
        """Let go of the file and of the memory that it takes; without effect once it was published."""
        self._output = None
        self._writing.__exit__(Cancelled, Cancelled(), None)  # as left by an exception it becomes no file
