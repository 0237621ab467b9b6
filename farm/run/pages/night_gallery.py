"""The gallery of a night of jobs, kept up to date while they run."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from farm.errors import FarmError, ManifestError
from farm.events import Event, JobFinished, JobStarted
from farm.run.pages.effort import Effort
from farm.run.pages.gallery import gallery

_logger = logging.getLogger(__name__)

_REFRESH_SECONDS = 10.0
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
            self._write(refresh_seconds=_REFRESH_SECONDS)
            self._over.wait(effort.rest(_LEAST_SECONDS))
            self._asked.wait(_REFRESH_SECONDS)

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
