"""Measures a job's frames while others still render."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator

from farm.analyze import measure
from farm.errors import FarmError
from farm.execute import Aside
from farm.plan import Plan
from farm.records import AnalysisSpec, FrameRow, Shown, Stretch
from farm.reduce import Arrivals, Cancelled
from farm.run.measure.arrived_rows import ArrivedRows
from farm.run.measure.findings import measurements_of
from farm.run.measure.stretches import shown, stretches
from farm.store import JobFolder, map_in_order

_PATIENCE_SECONDS = 5.0
"""Enough for most stretches to end; a judge that hangs is left behind, and the thread ends with the process."""


class Measuring:
    """Measures finished frames in a thread of its own, in their order, as they arrive.

    What was measured before, in the same pictures, is not measured again.
    """

    def __init__(self, plan: Plan, folder: JobFolder, spec: AnalysisSpec, aside: Aside) -> None:
        self._plan, self._folder, self._spec, self._aside = plan, folder, spec, aside
        self._kept = measurements_of(folder, spec)
        self._arrivals = Arrivals(plan.frame_count)
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
        self._arrivals.add([row.frame for row in rendered])

    def offer_kept(self, frames: Iterable[int]) -> None:
        """Say that frames were there from before, as the ledger tells."""
        there = tuple(frames)
        self._rows.add_kept(there)
        self._arrivals.add(there)

    def skip(self, frames: Iterable[int]) -> None:
        """Say that frames failed."""
        self._arrivals.skip(frames)

    def finish(self) -> None:
        """Wait until all frames that were offered are measured, or until another thread's `abort` is over.

        Raises:
            FarmError: when they cannot be measured, or not all were; what was measured until then is kept.
        """
        self._arrivals.complete()
        self._over.wait()
        if self._error is not None:
            raise self._error

    def cancel(self) -> None:
        """Ask it to stop after the stretch that is being measured, and wait for nothing.

        The patience of `abort` begins: cancelled together, many jobs are aborted in the time of one.
        """
        self._arrivals.cancel()
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
                self._measure, stretches(self._arriving()), concurrency=self._aside.at_once
            ):
                self._arrivals.check()
        except Cancelled:
            self._error = _stopped()
        except FarmError as error:
            self._error = error
        except BaseException as error:
            self._error = FarmError(f"frames cannot be measured: {type(error).__name__}: {error}")
        finally:
            self._over.set()

    def _arriving(self) -> Iterator[Shown]:
        for index in self._arrivals.in_order():
            yield shown(self._plan.frame(index), self._rows.take(index))

    def _measure(self, stretch: Stretch) -> None:
        if self._kept.find(stretch) is not None:
            return
        values = self._aside(measure, self._spec, self._folder.url, stretch)
        if self._over.is_set():  # nobody waits any more, and the folder may be another run's
            raise Cancelled
        self._kept.write(stretch, values)


def _stopped() -> FarmError:
    return FarmError("measuring was stopped before its end.")
