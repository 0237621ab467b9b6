"""The seam between what is rendered and where: an `Executor` runs shards, and background tasks next to them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar

from farm.events import Event
from farm.records import Shard

_Result = TypeVar("_Result")


class BackgroundTasks(Protocol):
    """Calls functions, such as those that measure finished frames, without delaying a renderer."""

    @property
    def concurrency(self) -> int:
        """Number of calls, from different threads, that run at the same time."""

    def __call__(self, function: Callable[..., _Result], *arguments: Any) -> _Result:
        """Return `function(*arguments)`. Both must pickle, and the function may be called twice.

        Raises:
            FarmError: as raised by the function; or when its process dies or does not respond.
        """


class Executor(Protocol):
    """Renders shards on workers, which keep their models loaded from one run to the next until the executor closes."""

    @property
    def worker_count(self) -> int:
        """Number of shards rendered at the same time; set once the executor is entered."""

    @property
    def background(self) -> BackgroundTasks:
        """Calls functions next to the workers, while the executor is entered."""

    def run(self, shards: Iterable[Shard]) -> Iterator[Event]:
        """Yield events until every frame is done or given up.

        The next shard is pulled only when a worker can take it. Closing the iterator stops the work; finished frames
        stay.

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
