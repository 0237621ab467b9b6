"""Work beside rendering on Ray actors of its own, which take neither a GPU nor a worker's core."""

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
from farm.execute.ray_actor import worker_environment
from farm.execute.submission import leave_submissions

_Result = TypeVar("_Result")
_TRIES = 3
_WORKERS_PER_ACTOR = 4
_LIMIT_SECONDS = 600.0
"""A call looks at some two dozen frames: a minute for a large model on one core, and some more to download it."""


_COURTESY = 10
"""Of 19: it has what the workers of its machine leave of the cores."""


class AsideActor:
    """A process that calls what it is given, and keeps loaded what that keeps loaded; workers go before it."""

    def __init__(self) -> None:
        leave_submissions()
        if hasattr(os, "nice"):
            os.nice(_COURTESY)

    def call(self, function: Callable[..., _Result], arguments: tuple[Any, ...]) -> _Result:
        """Return `function(*arguments)`."""
        return function(*arguments)


class RayAside:
    """One actor for every four workers, each started when it is first needed; one that died is replaced.

    A call that takes longer than `limit` seconds hangs, and its actor is killed.
    """

    def __init__(self, workers: int, *, limit: float = _LIMIT_SECONDS) -> None:
        self.at_once = -(-workers // _WORKERS_PER_ACTOR)
        self._limit = limit
        self._free: queue.Queue[ActorHandle | None] = queue.Queue()
        self._actors: list[ActorHandle] = []
        self._closed = False
        self._lock = threading.Lock()
        for _ in range(self.at_once):
            self._free.put(None)

    def __call__(self, function: Callable[..., _Result], *arguments: Any) -> _Result:
        """Return `function(*arguments)`, called on a free actor, and on another one if its process dies.

        Raises:
            FarmError: what the function raises, that processes died again and again, or that one gave no answer.
        """
        tries = _TRIES
        while True:
            tries -= 1
            try:
                return self._ask(function, arguments)
            except RayTaskError as error:
                cause = error.cause
                raise (
                    cause if isinstance(cause, FarmError) else FarmError(f"{type(cause).__name__}: {cause}")
                ) from error
            except GetTimeoutError as error:
                raise ClusterError(
                    f"what measures frames beside the workers gave no answer for {self._limit:g} seconds and was "
                    "killed; what it measured before is kept, and the same command goes on from there. If it hangs "
                    "again, look at the models that it measures with, and at the memory of its machine."
                ) from error
            except RayError as error:
                if not tries:
                    raise ClusterError(f"what measures frames beside the workers died: {error}") from error

    def close(self) -> None:
        """Kill the actors; calls that still wait raise."""
        with self._lock:
            self._closed = True
            actors = tuple(self._actors)
        for actor in actors:
            self._drop(actor)

    def _ask(self, function: Callable[..., _Result], arguments: tuple[Any, ...]) -> _Result:
        """Return what a free actor answers; one that does not answer is never asked again."""
        actor = self._free.get()
        answered = None
        try:
            actor = actor or self._start()
            try:
                result: _Result = ray.get(actor.call.remote(function, arguments), timeout=self._limit)
            except RayTaskError:
                answered = actor
                raise
            answered = actor
            return result
        finally:
            self._free.put(answered)
            if answered is None and actor is not None:
                self._drop(actor)

    def _start(self) -> ActorHandle:
        with self._lock:
            if self._closed:
                raise ClusterError("what measures frames beside the workers was stopped.")
            actor = (
                ray.remote(AsideActor)
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

    def _drop(self, actor: ActorHandle) -> None:
        with self._lock, contextlib.suppress(ValueError):
            self._actors.remove(actor)
        with contextlib.suppress(RayError):
            ray.kill(actor, no_restart=True)
