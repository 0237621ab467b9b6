"""Work beside rendering on Ray actors of its own, which take neither a GPU nor a worker's core."""

from __future__ import annotations

import queue
from collections.abc import Callable
from typing import Any, TypeVar

import ray
from ray.actor import ActorHandle
from ray.exceptions import RayError, RayTaskError

from farm.errors import ClusterError, FarmError
from farm.execute.ray_actor import worker_environment

_Result = TypeVar("_Result")
_RESTARTS = 2
_WORKERS_PER_ACTOR = 4


class AsideActor:
    """A process that calls what it is given, and keeps loaded what that keeps loaded."""

    def call(self, function: Callable[..., _Result], arguments: tuple[Any, ...]) -> _Result:
        """Return `function(*arguments)`."""
        return function(*arguments)


class RayAside:
    """One actor for every four workers, each started when it is first needed."""

    def __init__(self, workers: int) -> None:
        self.at_once = -(-workers // _WORKERS_PER_ACTOR)
        self._free: queue.Queue[ActorHandle | None] = queue.Queue()
        self._actors: list[ActorHandle] = []
        for _ in range(self.at_once):
            self._free.put(None)

    def __call__(self, function: Callable[..., _Result], *arguments: Any) -> _Result:
        """Return `function(*arguments)`, called on a free actor; again on the same if its process dies.

        Raises:
            FarmError: what the function raises, or that the process died again and again.
        """
        actor = self._free.get() or self._start()
        try:
            return ray.get(actor.call.remote(function, arguments))
        except RayTaskError as error:
            cause = error.cause
            raise (
                cause if isinstance(cause, FarmError) else FarmError(f"{type(cause).__name__}: {cause}")
            ) from error
        except RayError as error:
            raise ClusterError(f"what measures frames beside the workers died: {error}") from error
        finally:
            self._free.put(actor)

    def close(self) -> None:
        """Kill the actors; calls that still wait raise."""
        while self._actors:
            ray.kill(self._actors.pop(), no_restart=True)

    def _start(self) -> ActorHandle:
        actor = (
            ray.remote(AsideActor)
            .options(
                num_cpus=0,
                num_gpus=0,
                max_restarts=_RESTARTS,
                max_task_retries=_RESTARTS,
                runtime_env={"env_vars": worker_environment(gpu=False)},
            )
            .remote()
        )
        self._actors.append(actor)
        return actor
