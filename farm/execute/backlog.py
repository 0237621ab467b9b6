"""Shards that wait for a worker: fresh ones, pulled only as they are wanted, and those that came back."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from farm.records import Shard


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """A shard, and the workers that attempts at it have failed on."""

    shard: Shard
    tried: frozenset[str] = frozenset()


class Backlog:
    """What is not in a worker's hands yet."""

    def __init__(self, shards: Iterable[Shard]) -> None:
        self._fresh = iter(shards)
        self._exhausted = False
        self._returned: deque[Work] = deque()

    @property
    def empty(self) -> bool:
        """Whether nothing waits, and nothing fresh will come."""
        return self._exhausted and not self._returned

    def put_back(self, work: Work) -> None:
        """Let work wait behind what came back before."""
        self._returned.append(work)

    def put_first(self, works: Iterable[Work]) -> None:
        """Let work that nobody failed on wait before all else, in its order."""
        self._returned.extendleft(reversed([*works]))

    def next_for(self, worker: str, workers: Collection[str]) -> Work | None:
        """Return what came back before what is fresh; what one of `workers` failed on waits for the others."""
        for position, work in enumerate(self._returned):
            if worker not in work.tried or work.tried.issuperset(workers):
                del self._returned[position]
                return work
        return self._pull()

    def drain(self) -> Iterator[Work]:
        """Yield all that waits, and all that is fresh."""
        while self._returned:
            yield self._returned.popleft()
        while (work := self._pull()) is not None:
            yield work

    def _pull(self) -> Work | None:
        shard = next((shard for shard in self._fresh if shard.chunks), None)
        self._exhausted = shard is None
        return Work(shard=shard) if shard is not None else None
