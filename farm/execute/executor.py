"""The seam between what is rendered and where."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Protocol, Self

from farm.events import Event
from farm.execute.aside import Aside
from farm.records import Shard


class Executor(Protocol):
    """Renders shards on its workers, which stay warm from one run to the next until the executor closes."""

    @property
    def worker_count(self) -> int:
        """How many shards are rendered at a time; known once the executor is entered."""

    @property
    def aside(self) -> Aside:
        """Calls functions beside the workers, while the executor is entered."""

    def run(self, shards: Iterable[Shard]) -> Iterator[Event]:
        """Yield what happens until every frame is done or given up.

        The next shard is pulled only when a worker can take it. Closing the iterator stops the work; frames
        that are finished stay.

        Raises:
            ClusterError: when no worker can be started.
        """

    def __enter__(self) -> Self:
        """Make the workers ready to start."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop the workers."""
