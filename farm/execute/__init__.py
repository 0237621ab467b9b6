"""Where shards are rendered: in this process, or on Ray. ray lives here only, and loads when it is needed."""

from __future__ import annotations

from farm.execute.executor import Executor
from farm.execute.inline import InlineExecutor
from farm.execute.policy import Policy

__all__ = ["Executor", "InlineExecutor", "Policy", "open_executor"]


def open_executor(
    *, inline: bool = False, workers: int | None = None, address: str | None = None
) -> Executor:
    """Return an executor to enter: in this process, or on the Ray at `address` (None: one of its own)."""
    if inline:
        return InlineExecutor()
    from farm.execute.ray_executor import RayExecutor

    return RayExecutor(workers=workers, address=address)
