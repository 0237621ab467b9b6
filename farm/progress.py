"""The progress of a run: a bar or plain lines on standard error, or a bar in a notebook."""

from __future__ import annotations

import contextlib
import html
import importlib
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, Task, TaskID, TextColumn

from farm.console import Terminal, above_display
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
_NOTEBOOK_SECONDS = 0.2
"""Seconds between updates of a notebook."""
_WINDOW = 30.0
"""Seconds over which the displayed rate is averaged."""


class Rate:
    """Frames per second over the last half minute."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._marks: deque[tuple[float, int]] = deque()

    def add(self, frames: int) -> None:
        """Count frames that have just finished."""
        now = self._clock()
        self._marks.append((now, frames))
        while len(self._marks) > 2 and now - self._marks[0][0] > _WINDOW:
            self._marks.popleft()

    @property
    def per_second(self) -> float:
        """Frames per second; 0 until two chunks have finished."""
        if len(self._marks) < 2:
            return 0.0
        seconds = self._clock() - self._marks[0][0]
        return sum(frames for _, frames in list(self._marks)[1:]) / seconds if seconds > 0 else 0.0


class ProgressView:
    """A bar on a terminal, plain lines elsewhere; entered for the duration of a run.

    With `captures_stderr`, output of other code to standard error is printed above the bar.
    """

    def __init__(self, console: Console, *, captures_stderr: bool = True) -> None:
        self._console = console
        self._captures_stderr = captures_stderr
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
        self._last_line = 0.0

    def __enter__(self) -> Self:
        self._open.enter_context(self._bar)
        if self._live and self._captures_stderr:
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
                self._workers.add(event.worker)  # a worker kept warm by a pilot starts again
            case WorkersAwaited():
                waited = format_duration(event.seconds)
                self._note(f"waiting for the cluster to start {event.wanted} workers, for {waited} so far")
            case WorkerLost():
                self._workers.discard(event.worker)
                self._note(f"lost {event.worker}: {event.reason}")
            case JobStarted():
                self._start(event)
            case ChunkDone():
                self._advance(event.job, len(event.rows))
            case ShardRetried():
                fewer = f", {event.frames_per_call} per model call" if event.frames_per_call else ""
                self._note(f"{event.job}: retrying {_frames(event.frames)}{fewer}: {event.reason}")
            case FramesFailed():
                self._note(f"{event.job}: {_frames(event.frames)} failed: {event.reason}")
            case JobFinished():
                self._finish(event)

    def _start(self, event: JobStarted) -> None:
        self._tasks[event.job] = self._bar.add_task(
            event.job, total=event.frame_count, completed=event.kept, pace="loading the model"
        )
        self._rates[event.job] = Rate()
        if event.kept:
            self._note(f"{event.job}: {event.kept} of {event.frame_count} frames already rendered")

    def _advance(self, job: str, frames: int) -> None:
        rate, task = self._rates[job], self._task(job)
        rate.add(frames)
        self._bar.update(task.id, advance=frames, pace=self._pace(job))
        if not self._live and time.monotonic() - self._last_line >= _QUIET:
            self._last_line = time.monotonic()
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

    def _task(self, job: str) -> Task:
        return self._bar.tasks[self._bar.task_ids.index(self._tasks[job])]

    def _note(self, text: str) -> None:
        self._console.print(one_line(text), markup=False, highlight=False, emoji=False, soft_wrap=True)


def _frames(frames: tuple[int, ...]) -> str:
    if len(frames) == 1:
        return f"frame {frames[0]}"
    return f"frames {min(frames)}-{max(frames)}"


class NotebookView:
    """A progress bar per job in a notebook, updated in place."""

    def __init__(self) -> None:
        self._ipython: Any = importlib.import_module("IPython.display")
        self._handle: Any = None
        self._jobs: dict[str, tuple[int, int, str]] = {}
        self._rates: dict[str, Rate] = {}
        self._last_update = 0.0

    def __call__(self, event: Event) -> None:
        """Show one event."""
        match event:
            case JobStarted():
                self._rates[event.job] = Rate()
                self._jobs[event.job] = (event.kept, event.frame_count, "loading the model")
            case ChunkDone():
                rate = self._rates[event.job]
                rate.add(len(event.rows))
                done, planned, _ = self._jobs[event.job]
                done += len(event.rows)
                left = (
                    f", {format_duration((planned - done) / rate.per_second)} left" if rate.per_second else ""
                )
                self._jobs[event.job] = (
                    done,
                    planned,
                    f"{rate.per_second:.2g} frames/s{left}" if left else "",
                )
            case JobFinished() if event.job in self._jobs:
                self._jobs[event.job] = (*self._jobs[event.job][:2], event.state)
            case _:
                return
        if isinstance(event, ChunkDone) and time.monotonic() - self._last_update < _NOTEBOOK_SECONDS:
            return
        self._last_update = time.monotonic()
        page = self._ipython.HTML("<br>".join(self._bars()))
        if self._handle is None:
            self._handle = self._ipython.display(page, display_id=True)
        else:
            self._handle.update(page)

    def _bars(self) -> Iterator[str]:
        for job, (done, planned, pace) in self._jobs.items():
            yield (
                f'<progress value="{done}" max="{planned}"></progress> '
                f"{html.escape(one_line(job))}: {done}/{planned} frames {html.escape(pace)}"
            )


@contextlib.contextmanager
def progress_display() -> Iterator[Callable[[Event], None]]:
    """Provide a view of a run's events: a bar in a notebook or on a terminal, nothing elsewhere."""
    console = Terminal()
    if _in_notebook():
        yield NotebookView()
    elif console.is_terminal:
        with ProgressView(console, captures_stderr=False) as view:
            yield view
    else:
        yield lambda _: None


def _in_notebook() -> bool:
    ipython: Any = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return getattr(shell, "kernel", None) is not None
