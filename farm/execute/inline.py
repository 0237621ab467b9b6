"""Rendering in this process, without Ray: for debugging, for tests, and where one worker is enough."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Any, Self, TypeVar

from farm.events import Event, WorkerStarted
from farm.execute.dispatcher import Dispatcher
from farm.execute.renderer_cache import OpenRenderer
from farm.execute.retry_policy import RetryPolicy
from farm.execute.worker import Worker
from farm.records import CacheSpec, Shard
from farm.render import open_renderer

_Result = TypeVar("_Result")


class InlineTasks:
    """Background tasks that run in the calling thread. A call that hangs cannot be stopped."""

    concurrency = 1

    def __call__(self, function: Callable[..., _Result], *arguments: Any) -> _Result:
        """Return `function(*arguments)`."""
        return function(*arguments)


class InlineExecutor:
    """One worker in this process. It cannot be killed when it hangs."""

    worker_count = 1
    background = InlineTasks()

    def __init__(
        self,
        *,
        policy: RetryPolicy | None = None,
        cache: CacheSpec | None = None,
        open_renderer: OpenRenderer = open_renderer,
    ) -> None:
        self._policy = policy or RetryPolicy()
        self._worker = Worker("inline", platform.node(), open_renderer, cache)

    def run(self, shards: Iterable[Shard]) -> Iterator[Event]:
        """Yield events until every frame is done or given up."""
        dispatcher = Dispatcher(shards, self._policy)
        name = self._worker.name
        dispatcher.add_worker(name)
        yield WorkerStarted(worker=name, node=self._worker.node, device="this process")
        while (assignment := dispatcher.next_shard(name)) is not None:
            yield from dispatcher.events()
            for outcome in self._worker.render(assignment.shard):
                dispatcher.record_outcome(assignment, outcome)
                yield from dispatcher.events()
        yield from dispatcher.events()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        return None
