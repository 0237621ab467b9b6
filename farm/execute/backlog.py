"""Shards that wait for a worker: fresh ones, pulled only as they are wanted, and those that came back."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from farm.execute.outcome import Cause
from farm.records import RendererSpec, Shard


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """A shard, the workers that attempts at it have failed on, and why each attempt did."""

    shard: Shard
    tried: frozenset[str] = frozenset()
    causes: tuple[Cause, ...] = ()


class Backlog:
    """What is not in a worker's hands yet."""

    def __init__(self, shards: Iterable[Shard]) -> None:
        self._fresh = iter(shards)
        self._exhausted = False
        self._next: Work | None = None
        self._returned: deque[Work] = deque()
        self._unable: dict[RendererSpec, frozenset[str]] = {}

    @property
    def empty(self) -> bool:
        """Whether nothing waits, and nothing fresh will come."""
        return self._exhausted and not self._returned and self._next is None

    def put_back(self, work: Work) -> None:
        """Let work wait behind what came back before."""
        self._returned.append(work)

    def put_first(self, works: Iterable[Work]) -> None:
        """Let work that nobody failed on wait before all else, in its order."""
        self._returned.extendleft(reversed([*works]))

    def exclude(self, worker: str, renderer: RendererSpec) -> None:
        """Note that a worker cannot load a renderer; to find that out again would take minutes."""
        self._unable[renderer] = self._unable.get(renderer, frozenset()) | {worker}

    def tried(self, work: Work) -> frozenset[str]:
        """Return who has failed on the work, or could not even begin."""
        return work.tried | self._unable.get(work.shard.renderer, frozenset())

    def next_for(self, worker: str, workers: Collection[str]) -> Work | None:
        """Return what came back before what is fresh; what one of `workers` failed on waits for the others."""
        for position, work in enumerate(self._returned):
            if self._may(worker, work, workers):
                del self._returned[position]
                return work
        fresh = self._peek()
        return self._pull() if fresh is not None and self._may(worker, fresh, workers) else None

    def drain(self) -> Iterator[Work]:
        """Yield all that waits, and all that is fresh."""
        while self._returned:
            yield self._returned.popleft()
        while (work := self._pull()) is not None:
            yield work

    def _may(self, worker: str, work: Work, workers: Collection[str]) -> bool:
        tried = self.tried(work)
        return worker not in tried or tried.issuperset(workers)

    def _peek(self) -> Work | None:
        if self._next is None:
            shard = next((shard for shard in self._fresh if shard.chunks), None)
            self._exhausted = shard is None
            self._next = Work(shard=shard) if shard is not None else None
        return self._next

    def _pull(self) -> Work | None:
        work, self._next = self._peek(), None
        return work
