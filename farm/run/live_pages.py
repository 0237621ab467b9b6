"""A job's page, kept up to date while the job runs."""

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
"""Of one core."""
_CLOCK_SHARE = 0.25
"""Of the time: where a page goes to an object store, most of it is spent in waiting, and every request costs."""


class Effort:
    """What the calling thread spends from here on."""

    def __init__(self) -> None:
        self._cpu, self._clock = time.thread_time(), time.monotonic()

    def rest(self, least: float) -> float:
        """Return for how many seconds to write no more, `least` or longer."""
        cpu, clock = time.thread_time() - self._cpu, time.monotonic() - self._clock
        return max(least, cpu / _CORE_SHARE, clock / _CLOCK_SHARE - clock)


_logger = logging.getLogger(__name__)

_REFRESH_SECONDS = 5.0


class JobPage:
    """Writes `report.html` and, at the end, `preview.webp`. Pages of a running job are written in a thread.

    `confirm` raises a StorageError when the folder is another run's by now.
    """

    def __init__(self, plan: Plan, folder: JobFolder, confirm: Callable[[], None]) -> None:
        self._plan, self._folder, self._confirm = plan, folder, confirm
        self._there = bytearray(plan.frame_count)
        self._pictures = PictureCache(folder, plan.frame_count)
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
        write_report(self._folder, page_of(self._plan, self._frames(), summary, findings), self._pictures)
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
            write_report(self._folder, page, self._pictures)
        except FarmError as error:
            _logger.warning("the page of %s cannot be written now: %s", self._plan.name, error)
        except Exception:
            _logger.exception("the page of %s cannot be written now", self._plan.name)
        self._pause = effort.rest(_REFRESH_SECONDS)
        self._due = time.monotonic() + self._pause

    def _frames(self) -> tuple[int, ...]:
        return tuple(frame for frame, there in enumerate(bytes(self._there)) if there)


_logger = logging.getLogger(__name__)

_GALLERY_REFRESH_SECONDS = 10.0
_LEAST_SECONDS = 1.0
"""Between two pages, when many jobs start or finish at once."""


class NightGallery:
    """Writes the gallery in `output_dir`, used as a context manager around the night, and told its events.

    Pages are written in a thread: one after each job that starts or finishes, and every ten seconds, since frames come
    in meanwhile. What asks for a page while one is written gets one with all the others that ask. `refused` manifests
    have cards of their own. A page that cannot be written is a warning.
    """

    def __init__(self, output_dir: str, refused: Mapping[Path, ManifestError]) -> None:
        self._output_dir, self._refused = output_dir, refused
        self._began: dict[str, str] = {}
        self._asked, self._over = threading.Event(), threading.Event()
        self._writer = threading.Thread(target=self._keep_up, name="gallery", daemon=True)

    def __enter__(self) -> Self:
        self._writer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._asked.set()
        self._writer.join()

    def __call__(self, event: Event) -> None:
        """Hear an event, and wait for nothing."""
        if isinstance(event, JobStarted):
            self._began = self._began | {event.job: datetime.now(UTC).isoformat(timespec="microseconds")}
        if isinstance(event, JobStarted | JobFinished):
            self._asked.set()

    def finish(self) -> str:
        """Write the gallery as the night leaves it, and return its path; empty where there is none."""
        return self._write(refresh_seconds=0)

    def _keep_up(self) -> None:
        self._asked.wait()
        while not self._over.is_set():
            self._asked.clear()
            effort = Effort()
            self._write(refresh_seconds=_GALLERY_REFRESH_SECONDS)
            self._over.wait(effort.rest(_LEAST_SECONDS))
            self._asked.wait(_GALLERY_REFRESH_SECONDS)

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
