"""Ends worker processes for certain: what is not dead may still write."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

import psutil
import ray
from ray.exceptions import RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from farm.execute.ray_actor import Greeting

_END_SECONDS = 20.0
_ANSWER_SECONDS = 40.0
_CLOCK_SECONDS = 5.0  # a start time shifts when the machine's clock is set


def end_processes(processes: Sequence[Greeting]) -> list[bool]:
    """Kill processes on their nodes, wherever these are, and tell of each whether it is dead.

    `ray.kill` only asks: a process that is stopped, or sits in a driver, does not hear it. A process of a node
    that left the cluster is dead, because its Ray ends it.
    """
    calls = [
        _end.options(
            num_cpus=0,
            max_retries=0,
            scheduling_strategy=NodeAffinitySchedulingStrategy(process.node_id, soft=False),
        ).remote(process.pid, process.born)
        for process in processes
    ]
    return [_answer(call) or _left(process) for call, process in zip(calls, processes, strict=True)]


@ray.remote
def _end(pid: int, born: float) -> bool:
    """Kill a process of this node, unless its number has gone to another one."""
    try:
        process = psutil.Process(pid)
        if abs(process.create_time() - born) > _CLOCK_SECONDS:
            return True
        process.kill()
        process.wait(_END_SECONDS)
    except psutil.NoSuchProcess:
        return True
    except psutil.Error:  # it does not end, or is not ours to kill
        return False
    return True


def _answer(call: ray.ObjectRef) -> bool:
    with contextlib.suppress(RayError):
        return bool(ray.get(call, timeout=_ANSWER_SECONDS))
    return False


def _left(process: Greeting) -> bool:
    return not any(node["Alive"] and node["NodeID"] == process.node_id for node in ray.nodes())
