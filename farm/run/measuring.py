"""Measures a job's frames while others still render."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator

from farm.analyze import measure
from farm.errors import FarmError, StorageError
from farm.execute import BackgroundTasks
from farm.plan import Plan
from farm.records import AnalysisSpec, AnalyzedFrame, FrameRow, Stretch
from farm.reduce import Cancelled, FrameQueue
from farm.results.measurements import measurements_of, shown, stretches
from farm.store import JobFolder, Ledger, map_in_order

_MOST = 1000
"""Rows. Measuring that lags behind looks into the ledger once for so many frames."""


class ArrivedRows:
    """Added by any thread, taken by one in the order of frames. The next ones are held, the rest is in the ledger."""

    def __init__(self, folder: JobFolder, frame_count: int, *, most: int = _MOST) -> None:
        self._folder = folder
        self._most = most
        self._there = bytearray(frame_count)
        self._held: dict[int, FrameRow] = {}
        self._next = 0
        self._lock = threading.Lock()

    def add(self, rows: Iterable[FrameRow]) -> None:
        """Add rows that the ledger has by now."""
        with self._lock:
            for row in rows:
                self._there[row.frame] = True
                self._hold(row)

    def add_kept(self, frames: Iterable[int]) -> None:
        """Add frames whose rows the ledger has."""
        with self._lock:
            for frame in frames:
                self._there[frame] = True

    def take(self, frame: int) -> FrameRow:
        """Return the row of a frame that was added; no earlier one is asked for after it.

        Raises:
            StorageError: when the ledger cannot be read, or has lost the row.
        """
        with self._lock:
            self._next = frame
            known = frame in self._held
            # Only what is there now has its last row: others may still be rendered anew.
            there = bytes(self._there[frame : frame + self._most])
        if not known:
            self._read(frame, there)
        with self._lock:
            self._next = frame + 1
            row = self._held.pop(frame, None)
        if row is None:
            raise StorageError(
                f"{self._folder.url}: the ledger has no row of frame {frame} any more; "
                "farm render makes the frame again."
            )
        return row

    def _read(self, first: int, there: bytes) -> None:
        for row in Ledger(self._folder).rows(first=first, last=first + len(there) - 1):
            if there[row.frame - first]:
                with self._lock:
                    self._hold(row)

    def _hold(self, row: FrameRow) -> None:
        """Hold a row, and let go of the one that is asked for last where they are too many."""
        if row.frame >= self._next:
            self._held[row.frame] = row
            if len(self._held) > self._most:
                del self._held[max(self._held)]


_PATIENCE_SECONDS = 5.0
"""Enough for most stretches to end; a judge that hangs is left behind, and the thread ends with the process."""


class Measuring:
    """Measures finished frames in a thread of its own, in their order, as they arrive.

    What was measured before, in the same pictures, is not measured again.
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
        """Say that frames were rendered; the ledger has their rows already."""
        rendered = tuple(rows)
        self._rows.add(rendered)
        self._queue.add([row.frame for row in rendered])

    def offer_kept(self, frames: Iterable[int]) -> None:
        """Say that frames were there from before, as the ledger tells."""
        there = tuple(frames)
        self._rows.add_kept(there)
        self._queue.add(there)

    def skip(self, frames: Iterable[int]) -> None:
        """Say that frames failed."""
        self._queue.skip(frames)

    def finish(self) -> None:
        """Wait until all frames that were offered are measured, or until another thread's `abort` is over.

        Raises:
            FarmError: when they cannot be measured, or not all were; what was measured until then is kept.
        """
        self._queue.close()
        self._over.wait()
        if self._error is not None:
            raise self._error

    def cancel(self) -> None:
        """Ask it to stop after the stretch that is being measured, and wait for nothing.

        The patience of `abort` begins: cancelled together, many jobs are aborted in the time of one.
        """
        self._queue.cancel()
        if self._stop_by is None:
            self._stop_by = time.monotonic() + _PATIENCE_SECONDS

    def abort(self) -> None:
        """Stop after the stretch that is being measured; without effect after `finish`.

        A stretch that takes longer than a few seconds is not waited for, and its values are not kept.
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
                self._measure, stretches(self._arriving()), concurrency=self._background.concurrency
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
            yield shown(self._plan.frame(index), self._rows.take(index))

    def _measure(self, stretch: Stretch) -> None:
        if self._kept.find(stretch) is not None:
            return
        values = self._background(measure, self._spec, self._folder.url, stretch)
        if self._over.is_set():  # nobody waits any more, and the folder may be another run's
            raise Cancelled
        self._kept.write(stretch, values)


def _stopped() -> FarmError:
    return FarmError("measuring was stopped before its end.")
