"""Rendering on Ray: one worker per GPU or CPU core, each given its next shard before it runs out of work."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Self

from farm.errors import ClusterError
from farm.events import Event, WorkersAwaited
from farm.execute.dispatcher import Dispatcher
from farm.execute.ray.background_tasks import RayTasks
from farm.execute.ray.session import RaySession
from farm.execute.ray.workers import Signal, WorkerFailed, WorkerHandle, WorkerPool
from farm.execute.renderer_cache import OpenRenderer
from farm.execute.retry_policy import Cause, RetryPolicy
from farm.records import CacheSpec, Shard
from farm.render import open_renderer

_NOT_OPEN = "The executor is not open; use it in a with statement."
_POLL_SECONDS = 0.5  # the longest that Ctrl-C goes unnoticed
_NOTICE_SECONDS = 30.0


class RayExecutor:
    """`workers` workers (None: one per GPU, else one per CPU core) on the cluster at `address`.

    Without an address (nor RAY_ADDRESS) a local Ray is started, and stopped at the end.
    """

    def __init__(
        self,
        *,
        workers: int | None = None,
        address: str | None = None,
        policy: RetryPolicy | None = None,
        cache: CacheSpec | None = None,
        open_renderer: OpenRenderer = open_renderer,
    ) -> None:
        self._workers = workers
        self._address = address
        self._policy = policy or RetryPolicy()
        self._cache = cache
        self._open_renderer = open_renderer
        self._session: RaySession | None = None
        self._pool: WorkerPool | None = None
        self._background: RayTasks | None = None
        self.worker_count = 0

    def __enter__(self) -> Self:
        """Start Ray or connect to it.

        Raises:
            UsageError: when more workers are requested than the resources allow.
            ClusterError: when Ray cannot be started or reached.
        """
        self._session = RaySession(address=self._address, workers=self._workers)
        try:
            slots = self._session.slots(self._workers)
        except BaseException:
            self._session.close()
            raise
        self.worker_count = slots.count
        self._pool = WorkerPool(slots, self._open_renderer, self._cache)
        self._background = RayTasks(slots.count)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._background is not None:
            self._background.close()
        if self._pool is not None:
            self._pool.shutdown()
        if self._session is not None:
            self._session.close()

    @property
    def background(self) -> RayTasks:
        """Calls functions next to the workers."""
        if self._background is None:
            raise ClusterError(_NOT_OPEN)
        return self._background

    def run(self, shards: Iterable[Shard]) -> Iterator[Event]:
        """Yield events until every frame is done or given up."""
        if self._pool is None:
            raise ClusterError(_NOT_OPEN)
        run = _Run(self._pool, Dispatcher(shards, self._policy), self._policy)
        try:
            yield from run.events()
        finally:
            # Closed early: nobody waits for what these workers still render.
            self._pool.stop(worker for worker in self._pool if worker.assignments)


class _Run:
    """One pass of a pool of workers over some shards; lost workers are replaced along the way."""

    def __init__(self, pool: WorkerPool, dispatcher: Dispatcher, policy: RetryPolicy) -> None:
        self._pool = pool
        self._dispatcher = dispatcher
        self._timeout = policy.chunk_timeout
        self._replacements = policy.replacements * (len(pool) + pool.missing)
        self._last_loss = ""
        self._waiting_since = time.monotonic()

    def events(self) -> Iterator[Event]:
        """Yield events until every frame is done or given up.

        Raises:
            ClusterError: when Ray has no node left.
        """
        for _ in range(self._pool.missing):
            self._pool.start()
        for worker in self._pool:
            if worker.started:
                yield from self._add(worker)
        while True:
            self._assign()
            yield from self._dispatcher.events()
            if self._dispatcher.finished:
                return
            if not len(self._pool):
                self._dispatcher.give_up_rest(f"no worker is left; the last one: {self._last_loss}")
                continue
            for worker, signal in self._pool.wait(_POLL_SECONDS):
                yield from self._receive(worker, signal)
            for worker in self._pool.silent(self._timeout):
                what = "no progress on its chunk for" if worker.started else "it did not start within"
                reason = f"{what} {self._timeout:g} s; the worker was killed"
                self._drop(worker, reason, Cause.HANG, dead=False)
            yield from self._report_waiting()

    def _add(self, worker: WorkerHandle) -> Iterator[Event]:
        yield worker.confirm_start()
        self._dispatcher.add_worker(worker.name)

    def _assign(self) -> None:
        self._dispatcher.workers_starting(self._pool.starting())
        for worker in self._pool:
            while worker.started and (assignment := self._dispatcher.next_shard(worker.name)) is not None:
                worker.assign(assignment)

    def _receive(self, worker: WorkerHandle, signal: Signal) -> Iterator[Event]:
        if worker not in self._pool:
            return  # dropped while the signals of others were handled
        try:
            if not worker.started:
                yield from self._add(worker)
                return
            assignment = worker.assignments[signal]
            outcome = worker.next_outcome(signal)
        except WorkerFailed as failure:
            self._drop(worker, str(failure), Cause.CRASH, dead=failure.dead)
            return
        self._dispatcher.record_outcome(assignment, outcome)
        if not assignment.remaining:
            del worker.assignments[signal]
        for other in self._pool:
            if (reason := self._dispatcher.quarantine_reason(other.name)) is not None:
                self._drop(other, reason, None, dead=False)

    def _drop(self, worker: WorkerHandle, reason: str, blame: Cause | None, *, dead: bool) -> None:
        """Drop a worker, and replace it. Its frames are handed out again once its process is certainly `dead`."""
        if dead:
            self._pool.remove(worker)
        else:
            [dead] = self._pool.stop([worker])
        if dead:
            self._dispatcher.worker_lost(worker.name, reason, blame)
        else:
            self._dispatcher.abandon_worker(worker.name, f"{reason}, but its process does not exit")
        self._last_loss = reason
        if worker.useful:  # losing a spot instance now and then is no reason to stop
            self._pool.start()
        elif self._replacements:
            self._replacements -= 1
            self._pool.start()

    def _report_waiting(self) -> Iterator[Event]:
        """Report periodically that no worker has started yet."""
        waited = time.monotonic() - self._waiting_since
        if waited > _NOTICE_SECONDS and not any(worker.started for worker in self._pool):
            self._waiting_since = time.monotonic()
            if not self._pool.has_nodes:
                raise ClusterError(
                    "Ray has no node left; finished frames are kept. Start Ray, and run the same command to resume."
                )
            yield WorkersAwaited(wanted=len(self._pool), seconds=waited)
