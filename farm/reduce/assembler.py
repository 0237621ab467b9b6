"""Assembles a job's outputs while it renders, from frames in the store that have become contiguous."""

from __future__ import annotations

import contextlib
import threading
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import TracebackType

from farm.errors import FarmError
from farm.records import OutputSpec, Pixels
from farm.reduce.frame_queue import Arrivals, Cancelled
from farm.reduce.output_in_the_making import NotOfTheOutput, OutputInTheMaking
from farm.reduce.outputs import file_name_of, file_names, possible_names
from farm.reduce.sizes import misfits
from farm.reduce.summary import Artifact
from farm.store import JobFolder, decode_frame, file_name


@dataclass(frozen=True, slots=True, kw_only=True)
class Assembly:
    """What came of a job's outputs: the files that were made, and why each of the others could not be."""

    artifacts: tuple[Artifact, ...] = ()
    errors: tuple[str, ...] = ()


class Reducer:
    """Makes the GIF, MP4, contact sheet and grid of one job in a thread of its own.

    Every frame is read and decoded once for all outputs, and once or twice more for the GIF. No more than one
    is in memory. Outputs appear all together at the end; until then former ones stay as they were. As a
    context manager it aborts, unless it was finished.
    """

    def __init__(self, folder: JobFolder, name: str, outputs: OutputSpec, frame_count: int) -> None:
        self._folder = folder
        self._name, self._outputs = name, outputs
        self._wanted = file_names(name, outputs)
        self._frame_count = frame_count
        self._arrivals = Arrivals(frame_count)
        self._shape: tuple[int, ...] = ()
        self._assembly = Assembly()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name=f"reduce-{name}", daemon=True)
        self._thread.start()

    def offer(self, frames: Iterable[int]) -> None:
        """Say that frames are in the store; any order, any thread, at once done.

        Raises:
            IndexError: for a frame that the job does not have.
        """
        self._arrivals.add(frames)

    def skip(self, frames: Iterable[int]) -> None:
        """Say that frames failed: films close the gap, sheet and grid show a hatched cell.

        Raises:
            IndexError: for a frame that the job does not have.
        """
        self._arrivals.skip(frames)

    def finish(self) -> Assembly:
        """Wait for the outputs and return what came of them; frames neither offered nor skipped count as skipped.

        An output that fails costs no other. Without any frame there are none. Former outputs that are not wanted any
        more are removed; that of one that failed stays as it was.

        Raises:
            FarmError: a frame could not be read. No output is published then.
        """
        self._arrivals.complete()
        self._thread.join()
        if self._error is not None:
            raise self._error
        if self._assembly.artifacts or not self._wanted:
            for stale in possible_names(self._name) - self._wanted.keys():
                self._folder.remove(stale)
        return self._assembly

    def cancel(self) -> None:
        """Ask it to stop, and wait for nothing."""
        self._arrivals.cancel()

    def abort(self) -> None:
        """Stop, and leave former outputs as they were and nothing else; without effect after `finish`."""
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
            if self._wanted:
                self._assembly = self._reduce()
        except Cancelled:
            pass
        except NotOfTheOutput as error:
            self._error = error.__cause__
        except BaseException as error:
            self._error = error

    def _reduce(self) -> Assembly:
        outputs: list[OutputInTheMaking] = []
        done = array("I")
        with contextlib.ExitStack() as unless_published:
            for index in self._arrivals.in_order():
                pixels = self._read(index)
                if not outputs:
                    outputs = [unless_published.enter_context(output) for output in self._begun(pixels)]
                for output in outputs:
                    output.add(index, pixels)
                done.append(index)
            for output in outputs:
                output.finish(done, self._read_again)
            self._arrivals.check()
            published = [output.publish() for output in outputs]
        return Assembly(
            artifacts=tuple(artifact for artifact in published if artifact is not None),
            errors=tuple(output.error for output in outputs if output.error),
        )

    def _begun(self, pixels: Pixels) -> Iterator[OutputInTheMaking]:
        """Yield the outputs that are wanted of frames like the first, of which some may be refused."""
        height, width, _ = pixels.shape
        unfit = misfits(self._outputs, width=width, height=height, frame_count=self._frame_count)
        refused = {file_name_of(misfit.field, self._name): misfit for misfit in unfit}
        for name, make in self._wanted.items():
            output = OutputInTheMaking(self._folder, name, make, self._frame_count)
            if name in refused:
                output.refuse(refused[name])
            yield output

    def _read_again(self, index: int) -> Pixels:
        """As `_read`, for an output, which is not to blame for what is wrong with a frame."""
        try:
            return self._read(index)
        except FarmError as error:
            raise NotOfTheOutput from error

    def _read(self, index: int) -> Pixels:
        """Return a frame's pixels, which are of the same size as every other's."""
        self._arrivals.check()
        name = file_name(index)
        pixels = decode_frame(self._folder.read(name), self._folder.path(name))
        self._shape = self._shape or pixels.shape
        if pixels.shape != self._shape:
            (height, width, _), (first_height, first_width, _) = pixels.shape, self._shape
            raise FarmError(
                f"{self._folder.path(name)}: {width}x{height} pixels where the frames before it have "
                f"{first_width}x{first_height}; frames of one animation have one size. "
                "Remove the frames of the other size and render again."
            )
        return pixels


def assemble(
    folder: JobFolder, name: str, outputs: OutputSpec, frames: Iterable[int], *, frame_count: int
) -> Assembly:
    """Make the outputs of a job of `frame_count` frames from those that are finished.

    Raises:
        FarmError: a frame could not be read. No output is published then.
    """
    with Reducer(folder, name, outputs, frame_count) as reducer:
        reducer.offer(frames)
        return reducer.finish()
