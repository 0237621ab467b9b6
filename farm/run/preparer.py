"""Prepare manifests in a child process with limits on time and memory."""

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

from farm.errors import FarmError, ManifestError, preparation_error, refusal
from farm.run.prepare import Job

MANIFEST_SECONDS = 300.0
"""Default time limit per manifest: enough to hash 30 GB of checkpoints at 100 MB/s."""

_MAX_GIBIBYTES = 4
"""Memory that the child may allocate in addition to what it starts with."""

_GRACE_SECONDS = 30.0
"""Extra time to wait for a child whose alarm does not end it."""

_FORK = multiprocessing.get_context("fork")
"""A forked child inherits all imported modules and imports nothing itself."""


class Preparer:
    """Prepares manifests one after another in a child process; a context manager.

    A manifest that crashes a decoder, blocks the interpreter or exhausts the memory fails alone: a new child prepares
    the next one. Otherwise one child prepares all, and so caches the digests of files that several manifests use.
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
            ManifestError: as for `prepare`, or if the preparation takes too long or ends the child process.
            FarmError: as for `prepare`.
        """
        pipe = self._pipe or self._start()
        try:
            pipe.send(path)
            if not pipe.poll(self._seconds + _GRACE_SECONDS):
                raise self._child_error(path)
            answer = pipe.recv()
        except (EOFError, OSError):
            raise self._child_error(path) from None
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

    def _child_error(self, path: Path) -> ManifestError:
        """Return the error that explains why the child ended."""
        code = self._end()
        if code is None or code == -signal.SIGALRM:
            return preparation_error(
                path,
                f"its preparation took more than {self._seconds:g} seconds",
                "Large checkpoints on a slow disk may need a higher --manifest-timeout.",
            )
        how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        return preparation_error(path, f"its preparation crashed the process ({how})")

    def _end(self) -> int | None:
        """End the child; return its exit code, or None if it is still running."""
        child, self._child = self._child, None
        if child is None:
            return 0
        assert self._pipe is not None
        self._pipe.close()  # ends an idle child
        self._pipe = None
        child.join(timeout=1)
        child.kill()
        child.join(timeout=1)
        return None if child.exitcode is None else int(child.exitcode)


def _serve(pipe: Connection, other_end: Connection, prepare: Callable[[Path], Job], seconds: float) -> None:
    """Answer each path with its job or a FarmError, until the other end is closed."""
    other_end.close()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent handles Ctrl-C and ends this process
    for number in (signal.SIGTERM, signal.SIGALRM):
        signal.signal(number, signal.SIG_DFL)
    _limit_memory()
    with contextlib.suppress(EOFError):
        while True:
            path = pipe.recv()
            signal.setitimer(signal.ITIMER_REAL, seconds)  # also ends native code
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
    """Limit the memory of this process; no limit where current usage is unknown."""
    with contextlib.suppress(OSError, ValueError):
        pages = int(Path("/proc/self/statm").read_text().split()[5])  # data and stack, see proc_pid_statm(5)
        limit = pages * os.sysconf("SC_PAGE_SIZE") + _MAX_GIBIBYTES * 2**30
        resource.setrlimit(resource.RLIMIT_DATA, (limit, resource.getrlimit(resource.RLIMIT_DATA)[1]))
