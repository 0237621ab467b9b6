"""Pages that are refreshed during a run: a job's report, and the gallery of a batch."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from farm.errors import FarmError, ManifestError
from farm.events import Event, JobFinished, JobStarted
from farm.plan import Plan
from farm.reduce import Summary
from farm.report import PictureCache, write_preview, write_report
from farm.results.gallery import gallery
from farm.results.measurements import Findings
from farm.results.page import page_of
from farm.store import JobFolder

_CORE_SHARE = 0.1
"""Maximum share of one core spent on a page."""
_CLOCK_SHARE = 0.25
"""Maximum share of wall time. On an object store most of it is waiting, and every request costs."""


class Effort:
    """Measures the CPU and wall time that the calling thread spends from construction on."""

    def __init__(self) -> None:
        self._cpu, self._clock = time.thread_time(), time.monotonic()

    def pause(self, minimum: float) -> float:
        """Return the seconds to wait before the next page, at least `minimum`."""
        cpu, clock = time.thread_time() - self._cpu, time.monotonic() - self._clock
        return max(minimum, cpu / _CORE_SHARE, clock / _CLOCK_SHARE - clock)


_logger = logging.getLogger(__name__)

_REFRESH_SECONDS = 5.0


class JobPage:
    """Writes `report.html` and, at the end, `preview.webp`. A thread writes the pages of a running job.

    `confirm` raises a StorageError if another run has taken over the folder.
    """

    def __init__(self, plan: Plan, folder: JobFolder, confirm: Callable[[], None]) -> None:
        self._plan, self._folder, self._confirm = plan, folder, confirm
        self._finished = bytearray(plan.frame_count)
        self._pictures = PictureCache(folder, plan.frame_count)
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"page-{plan.name}")
        self._writing: Future[None] | None = None
        self._closed, self._closing = False, threading.Lock()
        self._pause = _REFRESH_SECONDS
        self._due = time.monotonic()

    def add(self, frames: Iterable[int]) -> None:
        """Add finished frames."""
        for frame in frames:
            self._finished[frame] = 1

    @property
    def is_due(self) -> bool:
        """Whether the page of the running job is due."""
        return time.monotonic() >= self._due and (self._writing is None or self._writing.done())

    def refresh(self, summary: Summary, findings: Callable[[], Findings | None]) -> None:
        """Write the page of the running job in the background; `findings` is called to get the latest measurements."""
        with self._closing:
            if not self._closed:
                self._due = time.monotonic() + self._pause
                self._writing = self._pool.submit(self._write_running, summary, findings)

    def finish(self, summary: Summary, findings: Findings | None) -> None:
        """Write the page of the ended job, and its preview.

        Raises:
            StorageError: if they cannot be written.
        """
        self.close()
        write_report(self._folder, page_of(self._plan, self._frames(), summary, findings), self._pictures)
        write_preview(self._folder, self._frames())

    def close(self) -> None:
        """Stop refreshing the page. Thread-safe."""
        with self._closing:
            self._closed = True
        self._pool.shutdown(cancel_futures=True)

    def _write_running(self, summary: Summary, findings: Callable[[], Findings | None]) -> None:
        effort, frames = Effort(), self._frames()
        try:
            page = page_of(self._plan, frames, summary, findings(), refresh_seconds=self._pause)
            self._confirm()
            write_report(self._folder, page, self._pictures)
        except FarmError as error:
            _logger.warning("the page of %s cannot be written now: %s", self._plan.name, error)
        except Exception:
            _logger.exception("the page of %s cannot be written now", self._plan.name)
        self._pause = effort.pause(_REFRESH_SECONDS)
        self._due = time.monotonic() + self._pause

    def _frames(self) -> tuple[int, ...]:
        return tuple(frame for frame, finished in enumerate(bytes(self._finished)) if finished)


_GALLERY_REFRESH_SECONDS = 10.0
_MIN_REFRESH_SECONDS = 1.0
"""Between two pages, when many jobs start or finish at once."""


class BatchGallery:
    """Writes the gallery in `output_dir` during a batch: a context manager and a handler of the batch's events.

    A thread writes the page after each job that starts or finishes, and every ten seconds. Requests during a write are
    merged into one. Each of the `refused` manifests has a card. Failing to write a page is a warning.
    """

    def __init__(self, output_dir: str, refused: Mapping[Path, ManifestError]) -> None:
        self._output_dir, self._refused = output_dir, refused
        self._began: dict[str, str] = {}
        self._requested, self._closed = threading.Event(), threading.Event()
        self._writer = threading.Thread(target=self._refresh_until_closed, name="gallery", daemon=True)

    def __enter__(self) -> Self:
        self._writer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closed.set()
        self._requested.set()
        self._writer.join()

    def __call__(self, event: Event) -> None:
        """Handle an event without blocking."""
        if isinstance(event, JobStarted):
            self._began = self._began | {event.job: datetime.now(UTC).isoformat(timespec="microseconds")}
        if isinstance(event, JobStarted | JobFinished):
            self._requested.set()

    def finish(self) -> str:
        """Write the final gallery and return its path; empty if there is none."""
        return self._write(refresh_seconds=0)

    def _refresh_until_closed(self) -> None:
        self._requested.wait()
        while not self._closed.is_set():
            self._requested.clear()
            effort = Effort()
            self._write(refresh_seconds=_GALLERY_REFRESH_SECONDS)
            self._closed.wait(effort.pause(_MIN_REFRESH_SECONDS))
            self._requested.wait(_GALLERY_REFRESH_SECONDS)

    def _write(self, *, refresh_seconds: float) -> str:
        try:
            return gallery(
                self._output_dir, refused=self._refused, began=self._began, refresh_seconds=refresh_seconds
            )
        except FarmError as error:
            _logger.warning("the gallery cannot be written now: %s", error)
        except Exception:
            _logger.exception("the gallery cannot be written now")
        return ""
