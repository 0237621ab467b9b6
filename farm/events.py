"""What happens during a run, told as it happens: executors yield these, `run` acts on them, the CLI shows them."""

from __future__ import annotations

from dataclasses import dataclass

from farm.records import FrameRow


@dataclass(frozen=True, slots=True, kw_only=True)
class JobStarted:
    """A job's first shard is asked for; `kept` of its frames were already there from before."""

    job: str
    frame_count: int
    kept: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFinished:
    """A job's outputs are assembled. `state` is done, partial, failed or interrupted."""

    job: str
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerStarted:
    """A worker can take shards. `device` names its hardware, `node` its host."""

    worker: str
    node: str
    device: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkersAwaited:
    """No worker has started for a while: the cluster has no room yet, or is still growing."""

    wanted: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerLost:
    """A worker died or was set aside; its unfinished frames are given out again."""

    worker: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkDone:
    """The frames of one chunk are written and in the ledger. `seconds` is the wall time of the chunk.

    `unusable` frames came out as what is no picture, again; they are told as FramesFailed, too.
    """

    job: str
    worker: str
    rows: tuple[FrameRow, ...]
    seconds: float
    unusable: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardRetried:
    """An attempt failed; what was left of the shard is rendered again as attempt number `attempt`.

    `frames_per_call` is told where it is less than the batch size, after running out of memory.
    """

    job: str
    worker: str
    frames: tuple[int, ...]
    reason: str
    attempt: int
    frames_per_call: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FramesFailed:
    """These frames are given up after `attempts` attempts."""

    job: str
    frames: tuple[int, ...]
    reason: str
    attempts: int


Event = (
    JobStarted
    | JobFinished
    | WorkerStarted
    | WorkersAwaited
    | WorkerLost
    | ChunkDone
    | ShardRetried
    | FramesFailed
)
