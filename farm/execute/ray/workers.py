"""The driver's view of its workers: Ray actors to start, to give shards to, to monitor, and to kill reliably."""

from __future__ import annotations

import contextlib
import itertools
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import psutil
import ray
from ray import ObjectRef, ObjectRefGenerator
from ray.actor import ActorHandle
from ray.exceptions import ActorDiedError, ActorUnavailableError, RayActorError, RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from farm.events import ChunkDone, WorkerStarted
from farm.execute.dispatcher import Assignment
from farm.execute.ray.actor import WorkerInfo, start_actor
from farm.execute.ray.session import Slots
from farm.execute.renderer_cache import OpenRenderer
from farm.execute.retry_policy import Outcome
from farm.records import CacheSpec

_START_SECONDS = 180.0  # a process and its imports, on a loaded machine
_SCALE_UP_SECONDS = 30.0  # a cluster may have no free resources, or only later
_EXIT_SECONDS = 20.0
_KILL_SECONDS = 40.0
_CLOCK_SECONDS = 5.0  # a start time shifts when the machine's clock is set

Signal: TypeAlias = Any
"""What `ray.wait` takes: an ObjectRef, or the ObjectRefGenerator of a call."""


class WorkerFailed(Exception):
    """A worker can no longer be used; the text says why. `dead` if its process is certainly dead."""

    def __init__(self, reason: str, *, dead: bool) -> None:
        super().__init__(reason)
        self.dead = dead

    @classmethod
    def from_ray(cls, error: RayError) -> WorkerFailed:
        """Return the failure that Ray describes; an actor that is only unavailable may still write."""
        return cls(_reason(error), dead=isinstance(error, ActorDiedError))


@dataclass(eq=False, slots=True, kw_only=True)
class WorkerHandle:
    """An actor. It has started once `info` is known; `assignments` maps its calls, oldest first, to their shards.

    `requested` is when it was requested, `last_heard` when it last sent something or received work while idle; both on
    `time.monotonic`. `useful` if it has finished a chunk.
    """

    name: str
    actor: ActorHandle
    pong: ObjectRef
    requested: float
    info: WorkerInfo | None = None
    assignments: dict[ObjectRefGenerator, Assignment] = field(default_factory=dict)
    last_heard: float = 0.0
    useful: bool = False

    @property
    def started(self) -> bool:
        """Whether its process is up."""
        return self.info is not None

    def silence(self) -> float:
        """Return for how many seconds it has neither started nor made progress on its work."""
        if not self.started:
            return time.monotonic() - self.requested
        return time.monotonic() - self.last_heard if self.assignments else 0.0

    def signals(self) -> list[Signal]:
        """Return the signals to wait for."""
        return [*self.assignments] if self.started else [self.pong]

    def assign(self, assignment: Assignment) -> None:
        """Queue a shard at the actor."""
        if not self.assignments:
            self.last_heard = time.monotonic()
        call = self.actor.render.options(num_returns="streaming").remote(assignment.shard)
        self.assignments[call] = assignment

    def next_outcome(self, call: ObjectRefGenerator) -> Outcome:
        """Return the outcome that is ready.

        Raises:
            WorkerFailed: when there is none, most likely because the process died.
        """
        self.last_heard = time.monotonic()
        try:
            outcome: Outcome = ray.get(next(call))
        except StopIteration:
            raise WorkerFailed("its call ended before its frames were done", dead=False) from None
        except RayError as error:
            raise WorkerFailed.from_ray(error) from error
        self.useful = self.useful or isinstance(outcome, ChunkDone)
        return outcome

    def confirm_start(self) -> WorkerStarted:
        """Return where it runs, now that it has answered the ping.

        Raises:
            WorkerFailed: when it could not start.
        """
        try:
            self.info = info = ray.get(self.pong)
        except RayError as error:
            raise WorkerFailed.from_ray(error) from error
        return WorkerStarted(worker=self.name, node=info.host, device=_device(info.node_id))


class WorkerPool:
    """Up to `slots.count` workers."""

    def __init__(self, slots: Slots, open_renderer: OpenRenderer, cache: CacheSpec | None) -> None:
        self._slots = slots
        self._open_renderer = open_renderer
        self._cache = cache
        self._numbers = itertools.count(1)
        self._workers: list[WorkerHandle] = []

    def __iter__(self) -> Iterator[WorkerHandle]:
        return iter(tuple(self._workers))

    def __len__(self) -> int:
        return len(self._workers)

    def silent(self, seconds: float) -> list[WorkerHandle]:
        """Return the workers that should have reported progress in the last `seconds`, and have not.

        Signals that arrived while the driver was busy count as progress, and waiting for resources is not silence.
        """
        silent = [
            worker for worker in self if worker.silence() > seconds and (worker.started or self._slots.free)
        ]
        heard = [worker for worker, _ in self.wait(0)] if silent else []
        return [worker for worker in silent if worker not in heard]

    def starting(self) -> list[str]:
        """Return the workers that have not started yet, but are expected to."""
        seconds = _START_SECONDS if self._slots.free else _SCALE_UP_SECONDS
        since = time.monotonic() - seconds
        return [worker.name for worker in self if not worker.started and worker.requested > since]

    @property
    def missing(self) -> int:
        """Number of slots without a worker."""
        return self._slots.count - len(self._workers)

    @property
    def has_nodes(self) -> bool:
        """Whether any of Ray's nodes is alive."""
        return any(node["Alive"] for node in ray.nodes())

    def start(self) -> None:
        """Start one worker. Names are never reused, so that a ledger row identifies the process that wrote it."""
        name = f"worker-{next(self._numbers)}"
        actor = start_actor(name, gpu=self._slots.gpu, open_renderer=self._open_renderer, cache=self._cache)
        self._workers.append(
            WorkerHandle(name=name, actor=actor, pong=actor.ping.remote(), requested=time.monotonic())
        )

    def stop(self, workers: Iterable[WorkerHandle]) -> list[bool]:
        """Kill workers on any node, and return for each whether its process is dead."""
        stopped = list(workers)
        for worker in stopped:
            self._workers.remove(worker)
            ray.kill(worker.actor, no_restart=True)
        dead = iter(_kill_processes([worker.info for worker in stopped if worker.info]))
        return [next(dead) if worker.info else True for worker in stopped]

    def remove(self, worker: WorkerHandle) -> None:
        """Remove a worker whose process is dead."""
        self._workers.remove(worker)

    def shutdown(self) -> None:
        """Kill all workers, which are idle, without waiting for their processes to exit."""
        while self._workers:
            ray.kill(self._workers.pop().actor, no_restart=True)

    def wait(self, seconds: float) -> list[tuple[WorkerHandle, Signal]]:
        """Return the workers with a signal, after at most `seconds`."""
        owners = {signal: worker for worker in self for signal in worker.signals()}
        signals = list(owners)
        if not signals:
            time.sleep(seconds)
            return []
        ready, _ = ray.wait(signals, num_returns=1, timeout=seconds, fetch_local=False)
        if ready:
            ready, _ = ray.wait(signals, num_returns=len(signals), timeout=0, fetch_local=False)
        return [(owners[signal], signal) for signal in ready]


def _kill_processes(processes: Sequence[WorkerInfo]) -> list[bool]:
    """Kill processes on their nodes, and return for each whether it is dead: a live one may still write.

    `ray.kill` is only a request: a process that is stopped, or blocked in a driver, does not respond. A process of a
    node that left the cluster is dead, because its Ray kills it.
    """
    calls = [
        _kill_process.options(
            num_cpus=0,
            max_retries=0,
            scheduling_strategy=NodeAffinitySchedulingStrategy(process.node_id, soft=False),
        ).remote(process.pid, process.process_start_time)
        for process in processes
    ]
    return [_is_killed(call) or _node_left(process) for call, process in zip(calls, processes, strict=True)]


@ray.remote
def _kill_process(pid: int, start_time: float) -> bool:
    """Kill a process of this node, unless its pid now belongs to another one."""
    try:
        process = psutil.Process(pid)
        if abs(process.create_time() - start_time) > _CLOCK_SECONDS:
            return True
        process.kill()
        process.wait(_EXIT_SECONDS)
    except psutil.NoSuchProcess:
        return True
    except psutil.Error:  # it does not exit, or belongs to another user
        return False
    return True


def _is_killed(call: ObjectRef) -> bool:
    with contextlib.suppress(RayError):
        return bool(ray.get(call, timeout=_KILL_SECONDS))
    return False


def _node_left(process: WorkerInfo) -> bool:
    return not any(node["Alive"] and node["NodeID"] == process.node_id for node in ray.nodes())


def _device(node_id: str) -> str:
    """Return the name of a node's accelerator from Ray, without loading torch."""
    resources: dict[str, float] = next(
        (node["Resources"] for node in ray.nodes() if node["NodeID"] == node_id), {}
    )
    kinds = [
        name.removeprefix("accelerator_type:") for name in resources if name.startswith("accelerator_type:")
    ]
    return f"cuda ({kinds[0]})" if kinds else "cuda" if resources.get("GPU") else "cpu"


def _reason(error: RayError) -> str:
    """Summarize Ray's page-long message in one line."""
    if not isinstance(error, RayActorError):
        return f"{type(error).__name__}: {str(error).strip().splitlines()[-1]}"
    if isinstance(error, ActorUnavailableError):
        return "it is unreachable"
    text = str(error)
    for sign, meaning in (
        ("node", "its machine left the cluster"),
        ("worker process has died", "its process died (out of memory, or killed)"),
    ):
        if sign in text.partition("The actor is dead because")[2].split(".")[0]:
            return meaning
    return text.strip().splitlines()[-1]
