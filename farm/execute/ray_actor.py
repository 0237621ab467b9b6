"""The Ray actor around a Worker, and the environment that its process is started with."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from dataclasses import dataclass

import psutil
import ray
from ray.actor import ActorHandle

from farm.execute.outcome import Outcome
from farm.execute.submission import leave_submissions
from farm.execute.warm import OpenRenderer
from farm.execute.worker import Worker
from farm.records import CacheSpec, Shard

_ANY_WORKER = {
    "DIFFUSERS_DISABLE_REMOTE_CODE": "1",
    "PYTHONHASHSEED": "0",
    "TOKENIZERS_PARALLELISM": "false",
    # glibc giving memory back after every step costs up to a third of the CPU time.
    "MALLOC_TRIM_THRESHOLD_": str(2**32),
    "MALLOC_MMAP_THRESHOLD_": str(2**32),
}
_CPU_WORKER = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
_GPU_WORKER = {"CUBLAS_WORKSPACE_CONFIG": ":4096:8"}
_PASSED_ON = ("HF_HUB_OFFLINE",)


def worker_environment(*, gpu: bool) -> dict[str, str]:
    """Return the variables that must stand before torch loads, so that every worker computes alike."""
    passed_on = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return _ANY_WORKER | (_GPU_WORKER if gpu else _CPU_WORKER) | passed_on


@dataclass(frozen=True, slots=True, kw_only=True)
class Greeting:
    """Where an actor is: its host's name, Ray's id of the node, its process and when that was started."""

    host: str
    node_id: str
    pid: int
    born: float


class RenderActor:
    """A Worker in a process of its own."""

    def __init__(self, name: str, open_renderer: OpenRenderer, cache: CacheSpec | None) -> None:
        leave_submissions()
        self._worker = Worker(name, platform.node(), open_renderer, cache)

    def hello(self) -> Greeting:
        """Return who it is: the process is up."""
        process = psutil.Process()
        return Greeting(
            host=self._worker.node,
            node_id=ray.get_runtime_context().get_node_id(),
            pid=process.pid,
            born=process.create_time(),
        )

    def render(self, shard: Shard) -> Iterator[Outcome]:
        """Yield what became of each chunk."""
        yield from self._worker.render(shard)


def start_actor(name: str, *, gpu: bool, open_renderer: OpenRenderer, cache: CacheSpec | None) -> ActorHandle:
    """Ask Ray for an actor; it starts in its own time, and dies at most once."""
    options = {"num_gpus": 1, "num_cpus": 0} if gpu else {"num_cpus": 1}
    actor = ray.remote(RenderActor).options(
        **options,
        max_restarts=0,
        max_task_retries=0,
        runtime_env={"env_vars": worker_environment(gpu=gpu)},
    )
    return actor.remote(name, open_renderer, cache)
