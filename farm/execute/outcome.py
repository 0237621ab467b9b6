"""What became of a chunk on a worker: plain values, so that only data crosses from worker to driver."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from farm.errors import FarmError, FolderTaken, ModelError, OutOfMemory, RenderError, StorageError
from farm.events import ChunkDone


class Cause(StrEnum):
    """Why an attempt failed."""

    MODEL = "model"
    """The checkpoint cannot be loaded."""
    RENDER = "render"
    """The pipeline failed on this chunk."""
    OUT_OF_MEMORY = "out of memory"
    """The model call needs more memory than the device has left."""
    FLAW = "flaw"
    """Pictures came out blank, or as what is no picture."""
    STORAGE = "storage"
    """Frames or ledger rows cannot be written."""
    TAKEN = "taken"
    """Another run has the job's folder."""
    DEFECT = "defect"
    """An error that the farm did not foresee."""
    CRASH = "crash"
    """The worker's process or machine is gone."""
    HANG = "hang"
    """The worker was silent for too long, and was killed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """The next `chunks` chunks of the shard failed together."""

    cause: Cause
    reason: str
    chunks: int = 1

    @classmethod
    def because(cls, error: Exception, *, chunks: int = 1) -> Failed:
        """Describe an exception that `chunks` chunks met."""
        reason = str(error) if isinstance(error, FarmError) else f"{type(error).__name__}: {error}"
        return cls(cause=_cause(error), reason=reason, chunks=chunks)


Outcome = ChunkDone | Failed


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
