"""Where shards are rendered: in this process, or on Ray, which is imported only when it is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from farm.lazy_imports import import_lazily

if TYPE_CHECKING:
    from farm.execute.executor import BackgroundTasks, Executor
    from farm.execute.inline import InlineExecutor, InlineTasks
    from farm.execute.ray.jobs_client import JobsClient
    from farm.execute.ray.submission import INDEX as SUBMISSION
    from farm.execute.ray.submission import drop_submissions_from_path, unpack_submission
    from farm.execute.retry_policy import RetryPolicy
    from farm.records import CacheSpec

import_lazily(__name__)

__all__ = [
    "SUBMISSION",
    "BackgroundTasks",
    "Executor",
    "InlineExecutor",
    "InlineTasks",
    "RetryPolicy",
    "drop_submissions_from_path",
    "jobs_client",
    "open_executor",
    "unpack_submission",
]


def open_executor(
    *,
    inline: bool = False,
    workers: int | None = None,
    address: str | None = None,
    policy: RetryPolicy | None = None,
    cache: CacheSpec | None = None,
) -> Executor:
    """Return an executor to enter: in this process, or on the Ray at `address` (None: a local one of its own)."""
    if inline:
        from farm.execute.inline import InlineExecutor

        return InlineExecutor(policy=policy, cache=cache)
    from farm.execute.ray.executor import RayExecutor

    return RayExecutor(workers=workers, address=address, policy=policy, cache=cache)


def jobs_client(address: str) -> JobsClient:
    """Return a client of the Jobs API at `address`, a dashboard's URL."""
    from farm.execute.ray.jobs_client import JobsClient

    return JobsClient(address)
