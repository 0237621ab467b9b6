"""Measure the frames of a job while others are still rendering."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator

from farm.analyze import measure
from farm.errors import FarmError, StorageError
from farm.execute import BackgroundTasks
from farm.plan import Plan
from farm.records import AnalysisSpec, AnalyzedFrame, FrameRow, FrameSequence
from farm.reduce import Cancelled, FrameQueue
from farm.results.measurements import analyzed_frame, frame_sequences, measurements_of
from farm.store import JobFolder, Ledger, map_in_order

_BUFFERED_ROWS = 1000
"""Rows kept in memory; if measuring lags behind, the ledger is read once per this many frames."""


class ArrivedRows:
    """Ledger rows of finished frames: added by any thread, read by one in the order of frames.

    The next rows are buffered; the others are read from the ledger when needed.
    """

    def __init__(self, folder: JobFolder, frame_count: int, *, buffered: int = _BUFFERED_ROWS) -> None:
        self._folder = folder
        self._max_buffered = buffered
        self._finished = bytearray(frame_count)
        self._buffer: dict[int, FrameRow] = {}
        self._next = 0
        self._lock = threading.Lock()

    def add(self, rows: Iterable[FrameRow]) -> None:
        """Add rows that are in the ledger."""
        with self._lock:
            for row in rows:
                self._finished[row.frame] = True
                self._buffer_row(row)

    def add_kept(self, frames: Iterable[int]) -> None:
        """Add frames of earlier runs, whose rows are in the ledger."""
        with self._lock:
            for frame in frames:
                self._finished[frame] = True

    def pop(self, frame: int) -> FrameRow:
        """Return the row of an added frame. Frames must be requested in ascending order.

        Raises:
            StorageError: if the ledger cannot be read, or has lost the row.
        """
        with self._lock:
            self._next = frame
            is_buffered = frame in self._buffer
            # Only finished frames have their final row: others may be rendered again.
            finished = bytes(self._finished[frame : frame + self._max_buffered])
        if not is_buffered:
            self._read(frame, finished)
        with self._lock:
            self._next = frame + 1
            row = self._buffer.pop(frame, None)
        if row is None:
            raise StorageError(
                f"{self._folder.url}: frame {frame} is missing from the ledger; run farm render to render it again."
            )
        return row

    def _read(self, first: int, finished: bytes) -> None:
        for row in Ledger(self._folder).rows(first=first, last=first + len(finished) - 1):
            if finished[row.frame - first]:
                with self._lock:
                    self._buffer_row(row)

    def _buffer_row(self, row: FrameRow) -> None:
        """Add a row to the buffer; if the buffer is full, drop the row of the highest frame."""
        if row.frame >= self._next:
            self._buffer[row.frame] = row
            if len(self._buffer) > self._max_buffered:
                del self._buffer[max(self._buffer)]


_STOP_TIMEOUT_SECONDS = 5.0
"""Enough to measure most sequences. The daemon thread of a hanging scoring model is abandoned."""


class Measuring:
    """Measures finished frames in order in a background thread, as they arrive.

    Existing measurements of unchanged frames are reused.
    """

    def __init__(
        self, plan: Plan, folder: JobFolder, spec: AnalysisSpec, background: BackgroundTasks
    ) -> None:
        self._plan, self._folder, self._spec, self._background = plan, folder, spec, background
        self._kept = measurements_of(folder, spec)
        self._queue = FrameQueue(plan.frame_count)
        self._rows = ArrivedRows(folder, plan.frame_count)
        self._error: BaseException | None = None
        self._stop_by: float | None = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"measure-{plan.name}", daemon=True)
        self._thread.start()

    def offer(self, rows: Iterable[FrameRow]) -> None:
        """Add rendered frames; their rows must be in the ledger."""
        rendered = tuple(rows)
        self._rows.add(rendered)
        self._queue.add([row.frame for row in rendered])

    def offer_kept(self, frames: Iterable[int]) -> None:
        """Add frames of earlier runs, whose rows are in the ledger."""
        kept = tuple(frames)
        self._rows.add_kept(kept)
        self._queue.add(kept)

    def skip(self, frames: Iterable[int]) -> None:
        """Skip frames that failed."""
        self._queue.skip(frames)

    def finish(self) -> None:
        """Wait until all offered frames are measured, or until another thread's `abort` ends.

        Raises:
            FarmError: if frames could not be measured; the measurements of the others are kept.
        """
        self._queue.close()
        self._over.wait()
        if self._error is not None:
            raise self._error

    def cancel(self) -> None:
        """Request a stop after the current sequence without waiting for it.

        The timeout of `abort` starts here, so that many jobs cancelled together are aborted in the time of one.
        """
        self._queue.cancel()
        if self._stop_by is None:
            self._stop_by = time.monotonic() + _STOP_TIMEOUT_SECONDS

    def abort(self) -> None:
        """Stop after the current sequence. Has no effect after `finish`.

        A sequence that takes longer than a few seconds is abandoned, and its values are discarded.
        """
        self.cancel()
        assert self._stop_by is not None, "cancel has set it"
        self._thread.join(max(0.0, self._stop_by - time.monotonic()))
        if self._thread.is_alive():
            self._error = _stopped()
        self._over.set()

    def _run(self) -> None:
        try:
            for _ in map_in_order(
                self._measure, frame_sequences(self._arriving()), concurrency=self._background.concurrency
            ):
                self._queue.check()
        except Cancelled:
            self._error = _stopped()
        except FarmError as error:
            self._error = error
        except BaseException as error:
            self._error = FarmError(f"frames cannot be measured: {type(error).__name__}: {error}")
        finally:
            self._over.set()

    def _arriving(self) -> Iterator[AnalyzedFrame]:
        for index in self._queue.in_order():
            yield analyzed_frame(self._plan.frame(index), self._rows.pop(index))

    def _measure(self, sequence: FrameSequence) -> None:
        if self._kept.find(sequence) is not None:
            return
        values = self._background(measure, self._spec, self._folder.url, sequence)
        if self._over.is_set():  # aborted: another run may own the folder now
            raise Cancelled
        self._kept.write(sequence, values)


def _stopped() -> FarmError:
    return FarmError("measuring was stopped before it finished.")
