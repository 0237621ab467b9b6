"""An output until it is published: an error in it is recorded and does not affect other outputs."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from farm.errors import STOPPING, FarmError
from farm.records import Pixels
from farm.reduce.frame_queue import Cancelled
from farm.reduce.outputs import OutputWriter, ReadFrame
from farm.reduce.sizes import OversizedOutput
from farm.reduce.summary import Artifact
from farm.store import JobFolder


class FrameSourceError(Exception):
    """Raised when an output cannot read a frame; its cause is the frame's error, which ends all outputs."""


class PendingOutput:
    """The file `name` from its first frame to its publication, as a context manager that discards an unpublished file.

    `error` says why it could not be made, and is empty otherwise; after an error it ignores frames.
    """

    def __init__(
        self, folder: JobFolder, name: str, make: Callable[[Path, int], OutputWriter], frame_count: int
    ) -> None:
        self._folder, self._name = folder, name
        self._make, self._frame_count = make, frame_count
        self._writing = contextlib.ExitStack()
        self._path = Path()
        self._output: OutputWriter | None = None
        self.error = ""

    def __enter__(self) -> Self:
        if self.error:
            return self
        with self._recording_errors():
            self._path = self._writing.enter_context(self._folder.writing(self._name))
            self._output = self._make(self._path, self._frame_count)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._discard()

    def refuse(self, excess: OversizedOutput) -> None:
        """Record that the output would be too large, and ignore its frames."""
        with self._recording_errors():
            raise FarmError(f"{self._folder.path(self._name)}: {excess}")

    def add(self, index: int, pixels: Pixels) -> None:
        """Add the next frame."""
        with self._recording_errors():
            if self._output is not None:
                self._output.add(index, pixels)

    def finish(self, frames: Sequence[int], read: ReadFrame) -> None:
        """Complete the file; see `OutputWriter`."""
        with self._recording_errors():
            if self._output is not None:
                self._output.finish(frames, read)

    def publish(self) -> Artifact | None:
        """Replace the previous file with the new one, and return it; None if it could not be made."""
        with self._recording_errors():
            if self._output is not None:
                artifact = Artifact(name=self._name, bytes=self._path.stat().st_size)
                self._output = None
                self._writing.close()
                return artifact
        return None

    @contextlib.contextmanager
    def _recording_errors(self) -> Iterator[None]:
        try:
            with self._folder.write_errors(self._name, self._path):
                yield
        except (*STOPPING, Cancelled, FrameSourceError):
            raise
        except BaseException as error:
            self.error = str(error) if isinstance(error, FarmError) else self._unexpected(error)
            self._discard()

    def _unexpected(self, error: BaseException) -> str:
        return (
            f"{self._folder.path(self._name)}: cannot be assembled: {type(error).__name__}: {error}. "
            "The frames are safe: run `farm assemble` on the folder to try again."
        )

    def _discard(self) -> None:
        """Delete the file and free its memory; has no effect after publication."""
        self._output = None
        self._writing.__exit__(Cancelled, Cancelled(), None)  # leaving with an exception discards the file
