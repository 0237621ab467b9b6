"""The reducer, which assembles a job's outputs from finished frames in order, while others render."""

from __future__ import annotations

import contextlib
import threading
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import TracebackType

from farm.errors import FarmError
from farm.records import OutputSpec, Pixels
from farm.reduce.frame_queue import Cancelled, FrameQueue
from farm.reduce.outputs import file_name_of, output_makers, possible_names
from farm.reduce.pending_output import FrameSourceError, PendingOutput
from farm.reduce.sizes import oversized_outputs
from farm.reduce.summary import Artifact
from farm.store import JobFolder, decode_frame, file_name


@dataclass(frozen=True, slots=True, kw_only=True)
class Assembly:
    """The result of an assembly: the finished files, and an error for each that failed."""

    artifacts: tuple[Artifact, ...] = ()
    errors: tuple[str, ...] = ()


class Reducer:
    """Makes the GIF, MP4, contact sheet and grid of a job in a thread.

    Every frame is read and decoded once for all outputs, and once or twice more for the GIF; only one is in memory.
    Outputs are published together at the end; until then earlier ones are unchanged. As a context manager it aborts
    unless it was finished.
    """

    def __init__(self, folder: JobFolder, name: str, outputs: OutputSpec, frame_count: int) -> None:
        self._folder = folder
        self._name, self._outputs = name, outputs
        self._makers = output_makers(name, outputs)
        self._frame_count = frame_count
        self._queue = FrameQueue(frame_count)
        self._shape: tuple[int, ...] = ()
        self._assembly = Assembly()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name=f"reduce-{name}", daemon=True)
        self._thread.start()

    def offer(self, frames: Iterable[int]) -> None:
        """Add frames that are in the store, in any order and from any thread, without waiting.

        Raises:
            IndexError: no such frame in the job.
        """
        self._queue.add(frames)

    def skip(self, frames: Iterable[int]) -> None:
        """Skip failed frames: animations omit them, contact sheet and grid show a hatched cell.

        Raises:
            IndexError: no such frame in the job.
        """
        self._queue.skip(frames)

    def finish(self) -> Assembly:
        """Wait for the outputs and return the result; frames neither offered nor skipped count as skipped.

        A failed output does not affect others. Without frames there are no outputs. Earlier outputs that are now turned
        off are removed; the earlier file of a failed output is unchanged.

        Raises:
            FarmError: a frame could not be read; no output is published.
        """
        self._queue.close()
        self._thread.join()
        if self._error is not None:
            raise self._error
        if self._assembly.artifacts or not self._makers:
            for stale in possible_names(self._name) - self._makers.keys():
                self._folder.remove(stale)
        return self._assembly

    def cancel(self) -> None:
        """Request a stop without waiting."""
        self._queue.cancel()

    def abort(self) -> None:
        """Stop and discard unpublished outputs; earlier ones are unchanged. Has no effect after `finish`."""
        self.cancel()
        self._thread.join()

    def __enter__(self) -> Reducer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.abort()

    def _run(self) -> None:
        try:
            if self._makers:
                self._assembly = self._reduce()
        except Cancelled:
            pass
        except FrameSourceError as error:
            self._error = error.__cause__
        except BaseException as error:
            self._error = error

    def _reduce(self) -> Assembly:
        outputs: list[PendingOutput] = []
        done = array("I")
        with contextlib.ExitStack() as stack:
            for index in self._queue.in_order():
                pixels = self._read(index)
                if not outputs:
                    outputs = [stack.enter_context(output) for output in self._started(pixels)]
                for output in outputs:
                    output.add(index, pixels)
                done.append(index)
            for output in outputs:
                output.finish(done, self._read_again)
            self._queue.check()
            published = [output.publish() for output in outputs]
        return Assembly(
            artifacts=tuple(artifact for artifact in published if artifact is not None),
            errors=tuple(output.error for output in outputs if output.error),
        )

    def _started(self, pixels: Pixels) -> Iterator[PendingOutput]:
        """Yield the outputs for frames of the size of the first one; oversized ones are refused."""
        height, width, _ = pixels.shape
        oversized = oversized_outputs(
            self._outputs, width=width, height=height, frame_count=self._frame_count
        )
        refused = {file_name_of(one.field, self._name): one for one in oversized}
        for name, make in self._makers.items():
            output = PendingOutput(self._folder, name, make, self._frame_count)
            if name in refused:
                output.refuse(refused[name])
            yield output

    def _read_again(self, index: int) -> Pixels:
        """Return `_read(index)` for an output; an error of the frame is not one of the output."""
        try:
            return self._read(index)
        except FarmError as error:
            raise FrameSourceError from error

    def _read(self, index: int) -> Pixels:
        """Return the pixels of a frame, which has the size of all others."""
        self._queue.check()
        name = file_name(index)
        pixels = decode_frame(self._folder.read(name), self._folder.path(name))
        self._shape = self._shape or pixels.shape
        if pixels.shape != self._shape:
            (height, width, _), (first_height, first_width, _) = pixels.shape, self._shape
            raise FarmError(
                f"{self._folder.path(name)}: {width}x{height} pixels, but earlier frames have "
                f"{first_width}x{first_height}; all frames of an animation need the same size. "
                "Remove the frames of the other size and render again."
            )
        return pixels


def assemble(
    folder: JobFolder, name: str, outputs: OutputSpec, frames: Iterable[int], *, frame_count: int
) -> Assembly:
    """Make the outputs of a job of `frame_count` frames from the finished ones.

    Raises:
        FarmError: a frame could not be read; no output is published.
    """
    with Reducer(folder, name, outputs, frame_count) as reducer:
        reducer.offer(frames)
        return reducer.finish()
