"""Outcomes that workers report to a dispatcher."""

from __future__ import annotations

from farm.events import ChunkDone, ChunkStateChanged
from farm.execute.retry_policy import Cause, Failed

RENDER = Failed(cause=Cause.RENDER, reason="black")
OUT_OF_MEMORY = Failed(cause=Cause.OUT_OF_MEMORY, reason="8 GiB wanted")


def done(assignment):
    return ChunkDone(job=assignment.shard.job, worker=assignment.worker, rows=(), seconds=0.0)


def finish(dispatcher, worker):
    """Let a worker finish all its work without failures."""
    while (assignment := dispatcher.next_shard(worker)) is not None:
        while assignment.remaining:
            dispatcher.record_outcome(assignment, done(assignment))


def reported(dispatcher):
    """Return the events since the last call, without changes of state."""
    return [event for event in dispatcher.events() if not isinstance(event, ChunkStateChanged)]
