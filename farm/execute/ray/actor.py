"""What runs in a worker's process: a Ray actor around a Worker, and the environment that the process starts with."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from dataclasses import dataclass

import psutil
import ray
from ray.actor import ActorHandle

from farm.execute.ray.submission import drop_submissions_from_path
from farm.execute.renderer_cache import OpenRenderer
from farm.execute.retry_policy import Outcome
from farm.execute.worker import Worker
from farm.records import CacheSpec, Shard

_ANY_WORKER = {
    "DIFFUSERS_DISABLE_REMOTE_CODE": "1",
    "PYTHONHASHSEED": "0",
    "TOKENIZERS_PARALLELISM": "false",
    # Keep glibc from returning memory after every step, which costs up to a third of the CPU time.
    "MALLOC_TRIM_THRESHOLD_": str(2**32),
    "MALLOC_MMAP_THRESHOLD_": str(2**32),
}
_CPU_WORKER = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
_GPU_WORKER = {"CUBLAS_WORKSPACE_CONFIG": ":4096:8"}
_INHERITED = ("HF_HUB_OFFLINE",)


def worker_environment(*, gpu: bool) -> dict[str, str]:
    """Return the variables to set before torch loads, so that all workers compute alike."""
    inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    return _ANY_WORKER | (_GPU_WORKER if gpu else _CPU_WORKER) | inherited


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerInfo:
    """Where an actor runs: its host's name, Ray's node id, its process, and when that started (seconds since 1970)."""

    host: str
    node_id: str
    pid: int
    process_start_time: float


class RenderActor:
    """A Worker in a process of its own."""

    def __init__(self, name: str, open_renderer: OpenRenderer, cache: CacheSpec | None) -> None:
        drop_submissions_from_path()
        self._worker = Worker(name, platform.node(), open_renderer, cache)

    def ping(self) -> WorkerInfo:
        """Return where it runs: an answer means that the process is up."""
        process = psutil.Process()
        return WorkerInfo(
            host=self._worker.node,
            node_id=ray.get_runtime_context().get_node_id(),
            pid=process.pid,
            process_start_time=process.create_time(),
        )

    def render(self, shard: Shard) -> Iterator[Outcome]:
        """Yield the outcome of each chunk."""
        yield from self._worker.render(shard)


def start_actor(name: str, *, gpu: bool, open_renderer: OpenRenderer, cache: CacheSpec | None) -> ActorHandle:
    """Request an actor from Ray, without waiting for it to start. Ray never restarts it."""
    options = {"num_gpus": 1, "num_cpus": 0} if gpu else {"num_cpus": 1}
    actor = ray.remote(RenderActor).options(
        **options,
        max_restarts=0,
        max_task_retries=0,
        runtime_env={"env_vars": worker_environment(gpu=gpu)},
    )
    return actor.remote(name, open_renderer, cache)
