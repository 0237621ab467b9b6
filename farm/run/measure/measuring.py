"""Measures a job's frames while others still render."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator

from farm.analyze import measure
from farm.errors import FarmError
from farm.execute import Aside
from farm.plan import Plan
from farm.records import AnalysisSpec, FrameRow, Shown, Stretch
from farm.reduce import Arrivals, Cancelled
from farm.run.measure.findings import measurements_of
from farm.run.measure.stretches import shown, stretches
from farm.store import JobFolder, Ledger, in_order

_PATIENCE_SECONDS = 5.0


class Measuring:
    """Measures finished frames in a thread of its own, in their order, as they arrive.

    What was measured before, in the same pictures, is not measured again.
    """

    def __init__(self, plan: Plan, folder: JobFolder, spec: AnalysisSpec, aside: Aside) -> None:
        self._plan, self._folder, self._spec, self._aside = plan, folder, spec, aside
        self._kept = measurements_of(folder, spec)
        self._kept.announce()
        self._arrivals = Arrivals(plan.frame_count)
        self._fresh: dict[int, FrameRow] = {}
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name=f"measure-{plan.name}", daemon=True)
        self._thread.start()

    def offer(self, rows: Iterable[FrameRow]) -> None:
        """Say that frames were rendered."""
        fresh = {row.frame: row for row in rows}
        self._fresh.update(fresh)
        self._arrivals.add(fresh)

    def offer_kept(self, frames: Iterable[int]) -> None:
        """Say that frames were there from before, as the ledger tells."""
        self._arrivals.add(frames)

    def skip(self, frames: Iterable[int]) -> None:
        """Say that frames failed."""
        self._arrivals.skip(frames)

    def finish(self) -> None:
        """Wait until all frames that were offered are measured.

        Raises:
            FarmError: when they cannot be measured; what was measured until then is kept.
        """
        self._arrivals.complete()
        self._thread.join()
        if self._error is not None:
            raise self._error

    def abort(self) -> None:
        """Stop after the stretch that is being measured; without effect after `finish`."""
        self._arrivals.cancel()
        self._thread.join(_PATIENCE_SECONDS)

    def _run(self) -> None:
        try:
            for _ in in_order(self._measure, stretches(self._arriving()), at_once=self._aside.at_once):
                self._arrivals.check()
        except Cancelled:
            pass
        except FarmError as error:
            self._error = error
        except BaseException as error:
            self._error = FarmError(f"frames cannot be measured: {type(error).__name__}: {error}")

    def _arriving(self) -> Iterator[Shown]:
        before = Ledger(self._folder).rows(last=self._plan.frame_count - 1)
        for index in self._arrivals.in_order():
            row = self._fresh.pop(index, None) or next(row for row in before if row.frame >= index)
            yield shown(self._plan.frame(index), row)

    def _measure(self, stretch: Stretch) -> None:
        if self._kept.find(stretch) is None:
            self._kept.keep(stretch, self._aside(measure, self._spec, self._folder.url, stretch))
