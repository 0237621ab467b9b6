"""What follows a failed attempt: its cause, how often each cause is retried, and what is given up after that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from farm.errors import FarmError, FolderTaken, ModelError, OutOfMemory, RenderError, StorageError
from farm.events import ChunkDone


class Cause(StrEnum):
    """Why an attempt failed."""

    MODEL = "model"
    """The checkpoint cannot be loaded."""
    RENDER = "render"
    """The pipeline failed on this chunk."""
    OUT_OF_MEMORY = "out of memory"
    """The model call needs more memory than the device has free."""
    FLAW = "flaw"
    """Pictures are blank, or have NaN or infinite pixels."""
    STORAGE = "storage"
    """Frames or ledger rows cannot be written."""
    TAKEN = "taken"
    """Another run holds the job's folder."""
    DEFECT = "defect"
    """An unexpected error, most likely a bug."""
    CRASH = "crash"
    """The worker's process or machine died."""
    HANG = "hang"
    """The worker made no progress for too long, and was killed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """The next `chunks` chunks of a shard failed together. Plain data: it travels from worker to driver."""

    cause: Cause
    reason: str
    chunks: int = 1

    @classmethod
    def from_exception(cls, error: Exception, *, chunks: int = 1) -> Failed:
        """Return the failure of `chunks` chunks that an exception describes."""
        reason = str(error) if isinstance(error, FarmError) else f"{type(error).__name__}: {error}"
        return cls(cause=_cause(error), reason=reason, chunks=chunks)


Outcome = ChunkDone | Failed
"""The result of an attempt at one chunk, or at several that failed together."""


class Action(StrEnum):
    """What to do with the frames of a failed attempt."""

    RETRY = "retry"
    """Render them again, on a worker that has not failed on them if there is one."""
    HALVE = "halve"
    """Render them again with half as many frames per model call."""
    LAST_TRY = "last try"
    """Render them again, and keep the result even if it is blank."""
    GIVE_UP_FRAMES = "give up frames"
    """Give up these frames."""
    GIVE_UP_RENDERER = "give up renderer"
    """Give up all frames of any job that need this renderer."""
    GIVE_UP_JOB = "give up job"
    """Give up the rest of this job."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A failed attempt at some frames: attempt number `attempt`, from 1, that failed for this cause.

    `workers_tried` of the `workers` have failed on these frames; one that died counts for neither.
    """

    cause: Cause
    attempt: int
    workers_tried: int
    workers: int
    frames_per_call: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One row of the table: retry until `attempts` attempts have failed, then do `then`.

    With `elsewhere`, only other workers retry; if there are none, `then` follows at once.
    """

    attempts: int
    then: Action
    elsewhere: bool = False


RULES: Mapping[Cause, Rule] = MappingProxyType(
    {
        Cause.RENDER: Rule(attempts=3, then=Action.GIVE_UP_FRAMES),
        Cause.DEFECT: Rule(attempts=3, then=Action.GIVE_UP_FRAMES),
        Cause.CRASH: Rule(attempts=3, then=Action.GIVE_UP_FRAMES),
        # Each hang costs a whole timeout.
        Cause.HANG: Rule(attempts=2, then=Action.GIVE_UP_FRAMES),
        # One failure may be one machine's disk, two are the checkpoint's; loading takes minutes.
        Cause.MODEL: Rule(attempts=2, then=Action.GIVE_UP_RENDERER, elsewhere=True),
        # Retry once at full size, now that the worker has unloaded its other models: smaller calls change last bits.
        Cause.OUT_OF_MEMORY: Rule(attempts=2, then=Action.HALVE),
        # A transient hardware fault does not repeat; a recipe that renders blank does.
        Cause.FLAW: Rule(attempts=1, then=Action.LAST_TRY),
        # Retry once for a transient fault of a network disk; a full disk would fail every frame.
        Cause.STORAGE: Rule(attempts=2, then=Action.GIVE_UP_JOB),
        Cause.TAKEN: Rule(attempts=1, then=Action.GIVE_UP_JOB),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How much failure a run tolerates.

    A worker is quarantined after `failures_in_a_row` on chunks that other workers then rendered, and killed after
    `chunk_timeout` seconds without progress (loading the model counts towards its first chunk). Lost workers are
    replaced; those that never finished a chunk at most `replacements` times per slot in a run. A job is stopped when
    more than `max_failed_frames` of its frames have failed (None: never).
    """

    rules: Mapping[Cause, Rule] = field(default_factory=lambda: RULES)
    failures_in_a_row: int = 3
    replacements: int = 3
    chunk_timeout: float = 1800.0
    max_failed_frames: int | None = None

    def after(self, failure: Failure) -> Action:
        """Return what to do with the frames of a failed attempt."""
        rule = self.rules[failure.cause]
        somewhere = failure.workers_tried < failure.workers or not rule.elsewhere
        if failure.attempt < rule.attempts and somewhere:
            return Action.RETRY
        if rule.then is Action.HALVE and failure.frames_per_call == 1:
            return Action.GIVE_UP_FRAMES
        return rule.then

    def quarantines(self, *, failures_in_a_row: int, workers: int) -> bool:
        """Return whether to quarantine a worker; the last one of `workers` stays."""
        return failures_in_a_row >= self.failures_in_a_row and workers > 1

    def stops(self, failed_frames: int) -> bool:
        """Return whether to stop a job of which `failed_frames` frames have failed."""
        return self.max_failed_frames is not None and failed_frames > self.max_failed_frames


def _cause(error: Exception) -> Cause:
    match error:
        case ModelError():
            return Cause.MODEL
        case OutOfMemory():
            return Cause.OUT_OF_MEMORY
        case RenderError():
            return Cause.RENDER
        case FolderTaken():
            return Cause.TAKEN
        case StorageError():
            return Cause.STORAGE
        case _:
            return Cause.DEFECT
