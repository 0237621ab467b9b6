"""Prepares manifests in a process of their own, which may take so long, and so much memory, and no more."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import resource
import signal
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from farm.errors import FarmError, ManifestError, refusal, unprepared
from farm.run.prepare import Job

MANIFEST_SECONDS = 300.0
"""For one manifest, unless told otherwise: checkpoints on a slow disk are hashed in it, 30 GB at 100 MB a second."""

_MOST_GIBIBYTES = 4
"""That the process may take beyond what it begins with."""

_LATE_SECONDS = 30.0
"""How much longer than a manifest's own limit the process is waited for, in case its alarm does not end it."""

_FORK = multiprocessing.get_context("fork")
"""A child has all that is imported already, and imports nothing from anywhere."""


class Preparer:
    """Prepares manifests one after another in a child process; to be used as a context manager.

    Whatever a manifest does to that process costs this manifest alone, be it a decoder that crashes, a loop that
    holds the interpreter, or all the memory: the next is prepared by a new child. While nothing of the kind happens
    there is one child for all, which remembers the digests of files that several manifests name.
    """

    def __init__(self, prepare: Callable[[Path], Job], *, seconds: float = MANIFEST_SECONDS) -> None:
        self._prepare, self._seconds = prepare, seconds
        self._child: Any = None
        self._pipe: Connection | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def __call__(self, path: Path) -> Job:
        """Return the job of a manifest.

        Raises:
            ManifestError: as `prepare` does; or when the manifest takes too long, or ends the process.
            FarmError: as `prepare` does.
        """
        pipe = self._pipe or self._start()
        try:
            pipe.send(path)
            if not pipe.poll(self._seconds + _LATE_SECONDS):
                raise self._ended(path)
            answer = pipe.recv()
        except (EOFError, OSError):
            raise self._ended(path) from None
        if isinstance(answer, FarmError):
            raise answer
        assert isinstance(answer, Job)
        return answer

    def _start(self) -> Connection:
        ours, theirs = _FORK.Pipe()
        self._child = _FORK.Process(
            target=_serve, args=(theirs, ours, self._prepare, self._seconds), daemon=True
        )
        self._child.start()
        theirs.close()
        self._pipe = ours
        return ours

    def _ended(self, path: Path) -> ManifestError:
        """Return why a manifest's child is gone."""
        code = self._end()
        if code is None or code == -signal.SIGALRM:
            return unprepared(
                path,
                f"its preparation took more than {self._seconds:g} seconds",
                "Large checkpoints on a slow disk may need a higher --manifest-timeout.",
            )
        how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        return unprepared(path, f"its preparation ended the process that did it ({how})")

    def _end(self) -> int | None:
        """End the child; return its exit code, or None where the kernel does not end it yet."""
        child, self._child = self._child, None
        if child is None:
            return 0
        assert self._pipe is not None
        self._pipe.close()  # which the child takes for the end, unless it is at work
        self._pipe = None
        child.join(timeout=1)
        child.kill()
        child.join(timeout=1)
        return None if child.exitcode is None else int(child.exitcode)


def _serve(pipe: Connection, other_end: Connection, prepare: Callable[[Path], Job], seconds: float) -> None:
    """Answer each path with its job or an error of the farm, until the other end is closed."""
    other_end.close()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends this process
    for number in (signal.SIGTERM, signal.SIGALRM):
        signal.signal(number, signal.SIG_DFL)
    _limit_memory()
    with contextlib.suppress(EOFError):
        while True:
            path = pipe.recv()
            signal.setitimer(signal.ITIMER_REAL, seconds)  # the kernel's alarm ends whatever runs then
            answer = _answer(prepare, path)
            signal.setitimer(signal.ITIMER_REAL, 0)
            pipe.send(answer)


def _answer(prepare: Callable[[Path], Job], path: Path) -> Job | FarmError:
    try:
        return prepare(path)
    except FarmError as error:
        return error
    except BaseException as error:
        return refusal(path, error)


def _limit_memory() -> None:
    """Let allocations fail beyond the limit; where the system cannot say what is taken there is none."""
    with contextlib.suppress(OSError, ValueError):
        pages = int(Path("/proc/self/statm").read_text().split()[5])  # data and stack, see proc_pid_statm(5)
        most = pages * os.sysconf("SC_PAGE_SIZE") + _MOST_GIBIBYTES * 2**30
        resource.setrlimit(resource.RLIMIT_DATA, (most, resource.getrlimit(resource.RLIMIT_DATA)[1]))
