"""What workers report to a dispatcher."""

from __future__ import annotations

from farm.events import ChunkDone
from farm.execute.outcome import Cause, Failed

RENDER = Failed(cause=Cause.RENDER, reason="black")
OUT_OF_MEMORY = Failed(cause=Cause.OUT_OF_MEMORY, reason="8 GiB wanted")


def done(lease):
    return ChunkDone(job=lease.shard.job, worker=lease.worker, rows=(), seconds=0.0)


def finish(dispatcher, worker):
    """Let a worker do all there is for it, without failing."""
    while (lease := dispatcher.take(worker)) is not None:
        while lease.left:
            dispatcher.settle(lease, done(lease))
