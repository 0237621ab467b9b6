"""A job's page, kept up to date while the job runs."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor

from farm.errors import FarmError
from farm.plan import Plan
from farm.reduce import Summary
from farm.report import Strip, write_preview, write_report
from farm.run.measure.findings import Findings
from farm.run.pages.effort import Effort
from farm.run.pages.page import page_of
from farm.store import JobFolder

_logger = logging.getLogger(__name__)

_REFRESH_SECONDS = 5.0


class JobPage:
    """Writes `report.html` and, at the end, `preview.webp`. Pages of a running job are written in a thread.

    `confirm` raises a StorageError when the folder is another run's by now.
    """

    def __init__(self, plan: Plan, folder: JobFolder, confirm: Callable[[], None]) -> None:
        self._plan, self._folder, self._confirm = plan, folder, confirm
        self._there = bytearray(plan.frame_count)
        self._strip = Strip(folder, plan.frame_count)
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"page-{plan.name}")
        self._writing: Future[None] | None = None
        self._closed, self._closing = False, threading.Lock()
        self._pause = _REFRESH_SECONDS
        self._due = time.monotonic()

    def add(self, frames: Iterable[int]) -> None:
        """Say that frames are there."""
        for frame in frames:
            self._there[frame] = 1

    @property
    def is_due(self) -> bool:
        """Whether it is time for the page of the running job."""
        return time.monotonic() >= self._due and (self._writing is None or self._writing.done())

    def refresh(self, summary: Summary, findings: Callable[[], Findings | None]) -> None:
        """Write the page of the running job in a while; `findings` gives what is measured by then."""
        with self._closing:
            if not self._closed:
                self._due = time.monotonic() + self._pause
                self._writing = self._pool.submit(self._write_running, summary, findings)

    def finish(self, summary: Summary, findings: Findings | None) -> None:
        """Write the page of the job as it is left, and its preview.

        Raises:
            StorageError: when they cannot be written.
        """
        self.close()
        write_report(self._folder, page_of(self._plan, self._frames(), summary, findings), self._strip)
        write_preview(self._folder, self._frames())

    def close(self) -> None:
        """Write no more pages of the running job, whatever is asked for; any thread may call this."""
        with self._closing:
            self._closed = True
        self._pool.shutdown(cancel_futures=True)

    def _write_running(self, summary: Summary, findings: Callable[[], Findings | None]) -> None:
        effort, frames = Effort(), self._frames()
        try:
            page = page_of(self._plan, frames, summary, findings(), refresh_seconds=self._pause)
            self._confirm()
            write_report(self._folder, page, self._strip)
        except FarmError as error:
            _logger.warning("the page of %s cannot be written now: %s", self._plan.name, error)
        except Exception:
            _logger.exception("the page of %s cannot be written now", self._plan.name)
        self._pause = effort.rest(_REFRESH_SECONDS)
        self._due = time.monotonic() + self._pause

    def _frames(self) -> tuple[int, ...]:
        return tuple(frame for frame, there in enumerate(bytes(self._there)) if there)
