"""A shard in a worker's hands."""

from __future__ import annotations

import dataclasses
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from farm.execute.backlog import Work
from farm.records import Chunk, Shard


@dataclass(eq=False, slots=True, kw_only=True)
class Lease:
    """Work in a worker's hands, and the chunks of it that nothing was heard of yet."""

    worker: str
    work: Work
    left: deque[Chunk]

    @property
    def shard(self) -> Shard:
        """What the worker renders."""
        return self.work.shard

    def part(self, chunks: Iterable[Chunk]) -> Work:
        """Return some of its chunks as work of their own."""
        part = dataclasses.replace(self.shard, chunks=tuple(chunks))
        return dataclasses.replace(self.work, shard=part)
