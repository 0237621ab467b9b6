"""The status of a frame and the history of its attempts, as shown by `farm inspect --frame`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from farm.errors import UsageError
from farm.records import FrameRow, HistoryEntry
from farm.records.status import FrameStatus
from farm.results.job import open_finished
from farm.results.status import frame_status
from farm.store import Ledger, held_lock_id, history_of

_MAX_ATTEMPTS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """An attempt to render a chunk.

    `state` is `assigned` while a worker has the chunk; then `done`, `retrying` or `failed`, `waiting` if the worker was
    lost before it began, or `interrupted` if the run ended first. A chunk is `cancelled` without an attempt. Times are
    ISO 8601 in UTC, empty where unknown; so are texts that do not apply.
    """

    run: str
    attempt: int
    worker: str
    started: str
    ended: str
    state: str
    cause: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameHistory:
    """A frame: its status, its worker according to the ledger, and the attempts to render its chunk.

    The chunk has the frames from `first` to `last`. Runs of farm versions before 0.2 recorded no attempts.
    """

    name: str
    frame: int
    chunk: int
    first: int
    last: int
    status: str
    file: str
    worker: str
    node: str
    rendered_at: str
    attempts: tuple[Attempt, ...]


def frame_history(url: str, frame: int) -> FrameHistory:
    """Return the history of a frame of the job in the folder at `url`. Nothing is written, no model is loaded.

    At most the latest 1000 attempts are returned.

    Raises:
        UsageError: if it is not a job's folder, contains symbolic links, or has no such frame.
        ManifestError: if its manifest is invalid.
        StorageError: if a file cannot be read.
    """
    job = open_finished(url)
    plan, folder = job.plan, job.folder
    if not 0 <= frame < plan.frame_count:
        raise UsageError(f"--frame {frame}: the frames of this job are 0 to {plan.frame_count - 1}.")
    chunk = frame // plan.batch_size
    frames = plan.chunk_frames(chunk)
    row = next(Ledger(folder).rows(frame, frame), None)
    status = frame_status(folder, plan, row, any_renderer=True) if row else FrameStatus.NOT_RENDERED
    entries = history_of(folder, frame, chunks=plan.chunk_count)
    return FrameHistory(
        name=plan.name,
        frame=frame,
        chunk=chunk,
        first=frames.start,
        last=frames.stop - 1,
        status=status.value,
        **_rendered(row),
        attempts=attempts_of(entries, held_lock_id(folder)),
    )


def attempts_of(entries: Iterable[HistoryEntry], running: str) -> tuple[Attempt, ...]:
    """Return the attempts that the entries of one frame describe; `running` is the lock id of the run in progress."""
    attempts: list[Attempt] = []
    for entry in entries:
        ended = Attempt(
            run=entry.run,
            attempt=entry.attempt,
            worker=entry.worker,
            started="",
            ended=entry.time,
            state=entry.state,
            cause=entry.cause,
            reason=entry.reason,
        )
        if entry.state == "assigned":
            attempts.append(replace(ended, started=entry.time, ended=""))
        elif (open_one := _open_attempt(attempts, entry)) is not None:
            attempts[open_one] = replace(ended, started=attempts[open_one].started)
        else:
            attempts.append(ended)
        del attempts[:-_MAX_ATTEMPTS]
    return tuple(
        replace(attempt, state="interrupted")
        if attempt.state == "assigned" and not (running and running.startswith(attempt.run))
        else attempt
        for attempt in attempts
    )


def _open_attempt(attempts: list[Attempt], entry: HistoryEntry) -> int | None:
    """Return the position of the unfinished attempt that an entry ends."""
    for position in reversed(range(len(attempts))):
        attempt = attempts[position]
        if (attempt.state, attempt.run, attempt.worker) == ("assigned", entry.run, entry.worker):
            return position
    return None


def _rendered(row: FrameRow | None) -> dict[str, str]:
    if row is None:
        return {"file": "", "worker": "", "node": "", "rendered_at": ""}
    return {"file": row.file_name, "worker": row.worker, "node": row.node, "rendered_at": row.rendered_at}
