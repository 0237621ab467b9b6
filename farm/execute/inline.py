"""Rendering in this process, without Ray: for debugging, for tests, and where one worker is enough."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Self

from farm.events import Event, WorkerStarted
from farm.execute.aside import Here
from farm.execute.dispatcher import Dispatcher
from farm.execute.policy import Policy
from farm.execute.warm import OpenRenderer
from farm.execute.worker import Worker
from farm.records import CacheSpec, Shard
from farm.render import open_renderer


class InlineExecutor:
    """One worker, in this process, which cannot be killed when it hangs."""

    worker_count = 1
    aside = Here()

    def __init__(
        self,
        *,
        policy: Policy | None = None,
        cache: CacheSpec | None = None,
        open_renderer: OpenRenderer = open_renderer,
    ) -> None:
        self._policy = policy or Policy()
        self._worker = Worker("inline", platform.node(), open_renderer, cache)

    def run(self, shards: Iterable[Shard]) -> Iterator[Event]:
        """Yield what happens until every frame is done or given up."""
        dispatcher = Dispatcher(shards, self._policy)
        name = self._worker.name
        dispatcher.join(name)
        yield WorkerStarted(worker=name, node=self._worker.node, device="this process")
        while (lease := dispatcher.take(name)) is not None:
            for outcome in self._worker.render(lease.shard):
                dispatcher.settle(lease, outcome)
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
