"""Rendering on Ray: an actor per GPU or CPU core, each pulling its next shard as it gets ready for it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Self

from farm.errors import ClusterError
from farm.events import Event
from farm.execute.dispatcher import Dispatcher
from farm.execute.policy import Policy
from farm.execute.ray_aside import RayAside
from farm.execute.ray_fleet import Fleet
from farm.execute.ray_run import RayRun
from farm.execute.ray_session import RaySession
from farm.execute.warm import OpenRenderer
from farm.records import CacheSpec, Shard
from farm.render import open_renderer

_NOT_OPEN = "The executor is not open; use it in a with statement."


class RayExecutor:
    """`workers` actors (None: one per GPU, else per CPU core) on the cluster at `address`.

    Without an address (nor RAY_ADDRESS) a quiet Ray is started on this machine, and stopped in the end.
    """

    def __init__(
        self,
        *,
        workers: int | None = None,
        address: str | None = None,
        policy: Policy | None = None,
        cache: CacheSpec | None = None,
        open_renderer: OpenRenderer = open_renderer,
    ) -> None:
        self._workers = workers
        self._address = address
        self._policy = policy or Policy()
        self._cache = cache
        self._open_renderer = open_renderer
        self._session: RaySession | None = None
        self._fleet: Fleet | None = None
        self._aside: RayAside | None = None
        self.worker_count = 0

    def __enter__(self) -> Self:
        """Reach Ray.

        Raises:
            UsageError: when more workers are wanted than there is room for.
            ClusterError: when Ray cannot be started or reached.
        """
        self._session = RaySession(address=self._address, workers=self._workers)
        try:
            slots = self._session.slots(self._workers)
        except BaseException:
            self._session.close()
            raise
        self.worker_count = slots.count
        self._fleet = Fleet(slots, self._open_renderer, self._cache)
        self._aside = RayAside(slots.count)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._aside is not None:
            self._aside.close()
        if self._fleet is not None:
            self._fleet.disband()
        if self._session is not None:
            self._session.close()

    @property
    def aside(self) -> RayAside:
        """Calls functions beside the workers."""
        if self._aside is None:
            raise ClusterError(_NOT_OPEN)
        return self._aside

    def run(self, shards: Iterable[Shard]) -> Iterator[Event]:
        """Yield what happens until every frame is done or given up."""
        if self._fleet is None:
            raise ClusterError(_NOT_OPEN)
        run = RayRun(self._fleet, Dispatcher(shards, self._policy), self._policy)
        try:
            yield from run.events()
        finally:
            # Closed early: nobody waits for what these still render.
            self._fleet.dismiss(member for member in self._fleet if member.leases)
