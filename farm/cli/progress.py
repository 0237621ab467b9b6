"""Live progress on standard error: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import contextlib
import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn

from farm.cli.pace import Rate
from farm.cli.terminal import above_display
from farm.errors import one_line
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
from farm.units import format_duration

_QUIET = 5.0
"""Seconds between plain lines."""


class ProgressView:
    """Shows the events of a run; used as a context manager around it."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = console.is_terminal
        self._bar = Progress(
            TextColumn("{task.description}", style="bold", markup=False),
            BarColumn(bar_width=30),
            TextColumn("{task.completed:.0f}/{task.total:.0f} frames  {task.fields[pace]}"),
            console=console,
            disable=not self._live,
            transient=False,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._open = contextlib.ExitStack()
        self._tasks: dict[str, TaskID] = {}
        self._rates: dict[str, Rate] = {}
        self._workers: set[str] = set()
        self._said = 0.0

    def __enter__(self) -> Self:
        self._open.enter_context(self._bar)
        if self._live:
            self._open.enter_context(above_display(self._console))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def __call__(self, event: Event) -> None:
        """Show one event."""
        match event:
            case WorkerStarted():
                self._workers.add(event.worker)  # one that is warm from a pilot starts again
            case WorkersAwaited():
                self._note(
                    f"waiting for room for {event.wanted} workers on the cluster since {format_duration(event.seconds)}"
                )
            case WorkerLost():
                self._workers.discard(event.worker)
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
        plural = "worker" if len(self._workers) == 1 else "workers"
        return f"{rate:.2g} frames/s, {format_duration(left)} left, {len(self._workers)} {plural}"

    def _finish(self, event: JobFinished) -> None:
        if event.job in self._tasks:
            self._bar.update(self._tasks[event.job], pace=event.state)
        if not self._live:
            self._note(f"{event.job}: {event.state}")

    def _task(self, job: str) -> Progress.Task:  # type: ignore[name-defined]
        return self._bar.tasks[self._bar.task_ids.index(self._tasks[job])]

    def _note(self, text: str) -> None:
        self._console.print(one_line(text), markup=False, highlight=False, emoji=False, soft_wrap=True)


def _frames(frames: tuple[int, ...]) -> str:
    if len(frames) == 1:
        return f"frame {frames[0]}"
    return f"frames {min(frames)} to {max(frames)}"
