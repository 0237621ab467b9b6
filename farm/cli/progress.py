"""Live progress on standard error: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn

from farm.events import (
    ChunkDone,
    Event,
    FramesFailed,
    JobFinished,
    JobStarted,
    ShardRetried,
    WorkerLost,
    WorkersAwaited,
    WorkerStarted,
)

_WINDOW = 30.0
"""Seconds of the past that the shown rate is measured over."""
_QUIET = 5.0
"""Seconds between plain lines."""


class Rate:
    """Frames per second over the last half minute."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._marks: deque[tuple[float, int]] = deque()

    def start(self) -> None:
        """Begin to measure now, at no frames."""
        self._marks.append((self._clock(), 0))

    def add(self, frames: int) -> None:
        """Count frames that were finished just now."""
        now = self._clock()
        self._marks.append((now, frames))
        while len(self._marks) > 2 and now - self._marks[0][0] > _WINDOW:
            self._marks.popleft()

    @property
    def per_second(self) -> float:
        """Frames per second; 0 before the second mark."""
        if len(self._marks) < 2:
            return 0.0
        seconds = self._clock() - self._marks[0][0]
        return sum(frames for _, frames in list(self._marks)[1:]) / seconds if seconds > 0 else 0.0


class ProgressView:
    """Shows the events of a run; used as a context manager around it."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = console.is_terminal
        self._bar = Progress(
            TextColumn("[bold]{task.description}"),
            BarColumn(bar_width=30),
            TextColumn("{task.completed:.0f}/{task.total:.0f} frames  {task.fields[pace]}"),
            console=console,
            disable=not self._live,
            transient=False,
        )
        self._tasks: dict[str, TaskID] = {}
        self._rates: dict[str, Rate] = {}
        self._workers = 0
        self._said = 0.0

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def __call__(self, event: Event) -> None:
        """Show one event."""
        match event:
            case WorkerStarted():
                self._workers += 1
            case WorkersAwaited():
                self._note(
                    f"waiting for room for {event.wanted} workers on the cluster since {event.seconds:.0f} s"
                )
            case WorkerLost():
                self._workers -= 1
                self._note(f"{event.worker} is lost: {event.reason}")
            case JobStarted():
                self._start(event)
            case ChunkDone():
                self._advance(event.job, len(event.rows))
            case ShardRetried():
                fewer = f", {event.frames_per_call} in a call" if event.frames_per_call else ""
                self._note(f"{event.job}: {_frames(event.frames)} tried again{fewer}: {event.reason}")
            case FramesFailed():
                self._note(f"{event.job}: {_frames(event.frames)} given up: {event.reason}")
            case JobFinished():
                self._finish(event)

    def _start(self, event: JobStarted) -> None:
        self._tasks[event.job] = self._bar.add_task(
            event.job, total=event.frame_count, completed=event.kept, pace="loading the model"
        )
        self._rates[event.job] = Rate()
        if event.kept:
            self._note(f"{event.job}: {event.kept} of {event.frame_count} frames are already there")

    def _advance(self, job: str, frames: int) -> None:
        rate, task = self._rates[job], self._task(job)
        rate.add(frames)
        self._bar.update(task.id, advance=frames, pace=self._pace(job))
        if not self._live and time.monotonic() - self._said >= _QUIET:
            self._said = time.monotonic()
            pace = self._pace(job)
            self._note(f"{job}: {task.completed:.0f}/{task.total:.0f} frames{', ' if pace else ''}{pace}")

    def _pace(self, job: str) -> str:
        rate, task = self._rates[job].per_second, self._task(job)
        if not rate or task.total is None:
            return ""
        left = (task.total - task.completed) / rate
        plural = "worker" if self._workers == 1 else "workers"
        return f"{rate:.2g} frames/s, {duration(left)} left, {self._workers} {plural}"

    def _finish(self, event: JobFinished) -> None:
        if event.job in self._tasks:
            self._bar.update(self._tasks[event.job], pace=event.state)
        if not self._live:
            self._note(f"{event.job}: {event.state}")

    def _task(self, job: str) -> Progress.Task:  # type: ignore[name-defined]
        return self._bar.tasks[self._bar.task_ids.index(self._tasks[job])]

    def _note(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)


def duration(seconds: float) -> str:
    """Return a time for people: `42 s`, `3 min 20 s`, `2 h 5 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s" if whole % 60 else f"{whole // 60} min"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def _frames(frames: tuple[int, ...]) -> str:
    if len(frames) == 1:
        return f"frame {frames[0]}"
    return f"frames {min(frames)} to {max(frames)}"
