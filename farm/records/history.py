"""The history of a job: the states of its chunks over time."""

from __future__ import annotations

from dataclasses import dataclass

from farm.records.fields import Moment, Natural
from farm.records.work import ChunkState


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryEntry:
    """A chunk, with the frames from `first` to `last`, entered a state at `time` (ISO 8601, UTC).

    `run` is the beginning of the run's lock id. `attempt`, `worker`, `cause` and `reason` are as in
    `events.ChunkStateChanged`.
    """

    time: Moment
    run: str
    chunk: Natural
    first: Natural
    last: Natural
    state: ChunkState
    attempt: Natural
    worker: str = ""
    cause: str = ""
    reason: str = ""
