"""Background tasks on Ray actors of their own, which take neither a GPU nor a worker's core."""

from __future__ import annotations

import contextlib
import os
import queue
import threading
from collections.abc import Callable
from typing import Any, TypeVar

import ray
from ray.actor import ActorHandle
from ray.exceptions import GetTimeoutError, RayError, RayTaskError

from farm.errors import ClusterError, FarmError
from farm.execute.ray.actor import worker_environment
from farm.execute.ray.submission import drop_submissions_from_path

_Result = TypeVar("_Result")
_ATTEMPTS = 3
_WORKERS_PER_ACTOR = 4
_TIMEOUT_SECONDS = 600.0
"""A call measures some two dozen frames: a minute for a large model on one core, plus time to download the model."""
_NICE_INCREMENT = 10
"""Of 19: background tasks use the CPU time that the workers on their machine leave."""


class TaskActor:
    """A process that calls functions at low priority. Models that they load stay loaded."""

    def __init__(self) -> None:
        drop_submissions_from_path()
        if hasattr(os, "nice"):
            os.nice(_NICE_INCREMENT)

    def call(self, function: Callable[..., _Result], arguments: tuple[Any, ...]) -> _Result:
        """Return `function(*arguments)`."""
        return function(*arguments)


class RayTasks:
    """One actor for every four workers, started on first use; one that dies is replaced.

    An actor is killed when a call takes longer than `timeout` seconds.
    """

    def __init__(self, workers: int, *, timeout: float = _TIMEOUT_SECONDS) -> None:
        self.concurrency = -(-workers // _WORKERS_PER_ACTOR)
        self._timeout = timeout
        self._free: queue.Queue[ActorHandle | None] = queue.Queue()
        self._actors: list[ActorHandle] = []
        self._closed = False
        self._lock = threading.Lock()
        for _ in range(self.concurrency):
            self._free.put(None)

    def __call__(self, function: Callable[..., _Result], *arguments: Any) -> _Result:
        """Return `function(*arguments)`, called on a free actor, and on another one if that dies.

        Raises:
            FarmError: as raised by the function; or when actors die repeatedly, or one does not respond.
        """
        attempts = _ATTEMPTS
        while True:
            attempts -= 1
            try:
                return self._call(function, arguments)
            except RayTaskError as error:
                cause = error.cause
                raise (
                    cause if isinstance(cause, FarmError) else FarmError(f"{type(cause).__name__}: {cause}")
                ) from error
            except GetTimeoutError as error:
                raise ClusterError(
                    f"the process that measures frames did not respond within {self._timeout:g} seconds and was "
                    "killed; earlier measurements are kept. Run the same command to resume. If it hangs again, check "
                    "the models that it measures with, and the memory of its machine."
                ) from error
            except RayError as error:
                if not attempts:
                    raise ClusterError(f"the process that measures frames died: {error}") from error

    def close(self) -> None:
        """Kill the actors; pending calls raise."""
        with self._lock:
            self._closed = True
            actors = tuple(self._actors)
        for actor in actors:
            self._kill(actor)

    def _call(self, function: Callable[..., _Result], arguments: tuple[Any, ...]) -> _Result:
        """Return the result from a free actor; one that fails to answer is killed."""
        actor = self._free.get()
        answered = None
        try:
            actor = actor or self._start()
            try:
                result: _Result = ray.get(actor.call.remote(function, arguments), timeout=self._timeout)
            except RayTaskError:
                answered = actor
                raise
            answered = actor
            return result
        finally:
            self._free.put(answered)
            if answered is None and actor is not None:
                self._kill(actor)

    def _start(self) -> ActorHandle:
        with self._lock:
            if self._closed:
                raise ClusterError("the process that measures frames was stopped.")
            actor = (
                ray.remote(TaskActor)
                .options(
                    num_cpus=0,
                    num_gpus=0,
                    max_restarts=0,
                    max_task_retries=0,
                    runtime_env={"env_vars": worker_environment(gpu=False)},
                )
                .remote()
            )
            self._actors.append(actor)
        return actor

    def _kill(self, actor: ActorHandle) -> None:
        with self._lock, contextlib.suppress(ValueError):
            self._actors.remove(actor)
        with contextlib.suppress(RayError):
            ray.kill(actor, no_restart=True)
