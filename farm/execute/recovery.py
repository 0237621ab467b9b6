"""Chunks that a lost worker had finished without reporting them."""

from __future__ import annotations

from farm.events import ChunkDone
from farm.records import Chunk, Frame, FrameRow, Shard
from farm.store import JobFolder, Ledger, is_intact


def committed_chunks(shard: Shard, worker: str) -> dict[int, ChunkDone]:
    """Return the chunks of `shard` that `worker` has committed completely, by chunk index.

    A ledger row counts if it has this recipe and its file is intact.

    Raises:
        StorageError: when the job folder cannot be read.
    """
    folder = JobFolder(shard.folder)
    frames = [frame.index for chunk in shard.chunks for frame in chunk.frames]
    rows = {row.frame: row for row in Ledger(folder).rows(min(frames), max(frames))}

    def row_of(frame: Frame) -> FrameRow | None:
        row = rows.get(frame.index)
        if row is None or row.worker != worker or row.recipe_digest != frame.digest:
            return None
        return row if is_intact(folder, row) else None

    def done(chunk: Chunk) -> ChunkDone | None:
        rows_of_chunk = [row for frame in chunk.frames if (row := row_of(frame)) is not None]
        if len(rows_of_chunk) < len(chunk.frames):
            return None
        seconds = sum(row.render_seconds for row in rows_of_chunk)
        return ChunkDone(job=shard.job, worker=worker, rows=tuple(rows_of_chunk), seconds=seconds)

    finished = {chunk.index: done(chunk) for chunk in shard.chunks}
    return {index: event for index, event in finished.items() if event is not None}
