"""Where shards are rendered: in this process, or on Ray. ray lives here only, and loads when it is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from farm.execute.aside import Aside
from farm.execute.executor import Executor
from farm.execute.inline import InlineExecutor
from farm.execute.policy import Policy
from farm.execute.submission import INDEX as SUBMISSION
from farm.execute.submission import leave_submissions, unpack
from farm.records import CacheSpec

if TYPE_CHECKING:
    from farm.execute.submit import JobsClient

__all__ = [
    "SUBMISSION",
    "Aside",
    "Executor",
    "InlineExecutor",
    "Policy",
    "jobs_client",
    "leave_submissions",
    "open_executor",
    "unpack",
]


def open_executor(
    *,
    inline: bool = False,
    workers: int | None = None,
    address: str | None = None,
    policy: Policy | None = None,
    cache: CacheSpec | None = None,
) -> Executor:
    """Return an executor to enter: in this process, or on the Ray at `address` (None: one of its own)."""
    if inline:
        return InlineExecutor(policy=policy, cache=cache)
    from farm.execute.ray_executor import RayExecutor

    return RayExecutor(workers=workers, address=address, policy=policy, cache=cache)


def jobs_client(address: str) -> JobsClient:
    """Return a client of the Jobs API at `address`, a dashboard's URL."""
    from farm.execute.submit import JobsClient

    return JobsClient(address)
