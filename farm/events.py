"""Events of a run, as they happen: executors yield them, `run` acts on them, the CLI displays them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from farm.records import ChunkState, FrameRow


@dataclass(frozen=True, slots=True, kw_only=True)
class JobStarted:
    """A job's first shard is about to be rendered; `kept` of its frames exist from earlier runs."""

    job: str
    frame_count: int
    kept: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFinished:
    """A job's outputs have been assembled; `state` is done, partial, failed or interrupted."""

    job: str
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerStarted:
    """A worker is ready for shards; `device` names its hardware and `node` its host."""

    worker: str
    node: str
    device: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkersAwaited:
    """No worker has started for `seconds`: the cluster has no free capacity yet, or is still scaling up."""

    wanted: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerLost:
    """A worker died or was quarantined; its unfinished frames go to other workers."""

    worker: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkDone:
    """The frames of one chunk are written and in the ledger; `seconds` is the wall time of the chunk.

    The `unusable` frames had invalid pixels, such as NaN, in a second attempt as well; FramesFailed reports them too.
    """

    job: str
    worker: str
    rows: tuple[FrameRow, ...]
    seconds: float
    unusable: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardRetried:
    """An attempt failed; the remaining frames of the shard are rendered again as attempt number `attempt`.

    `frames_per_call` is given if it is below the batch size, after running out of memory.
    """

    job: str
    worker: str
    frames: tuple[int, ...]
    reason: str
    attempt: int
    frames_per_call: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FramesFailed:
    """These frames have failed permanently, after `attempts` attempts."""

    job: str
    frames: tuple[int, ...]
    reason: str
    attempts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkStateChanged:
    """A chunk, with the frames from `first` to `last`, entered a state.

    `attempt` counts from 1. `worker` is the worker that the chunk is or was assigned to; `cause` and `reason` say why
    the attempt failed. Each is empty where it does not apply.
    """

    job: str
    chunk: int
    first: int
    last: int
    state: ChunkState
    attempt: int
    worker: str = ""
    cause: str = ""
    reason: str = ""


Event = (
    JobStarted
    | JobFinished
    | WorkerStarted
    | WorkersAwaited
    | WorkerLost
    | ChunkStateChanged
    | ChunkDone
    | ShardRetried
    | FramesFailed
)

EventHandler = Callable[[Event], None]
"""Called with every event of a run, in the thread that runs it."""
