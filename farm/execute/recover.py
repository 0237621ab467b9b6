"""What a lost worker had finished without being able to say so."""

from __future__ import annotations

from farm.events import ChunkDone
from farm.records import Chunk, Frame, FrameRow, Shard
from farm.store import JobFolder, Ledger, is_intact


def committed(shard: Shard, worker: str) -> dict[int, ChunkDone]:
    """Return the chunks of `shard` that `worker` has committed whole, by chunk index.

    A row counts when it is of this recipe and its file is as it was written.

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
        found = [row_of(frame) for frame in chunk.frames]
        whole = tuple(row for row in found if row is not None)
        if len(whole) < len(found):
            return None
        seconds = sum(row.render_seconds for row in whole)
        return ChunkDone(job=shard.job, worker=worker, rows=whole, seconds=seconds)

    finished = {chunk.index: done(chunk) for chunk in shard.chunks}
    return {index: event for index, event in finished.items() if event is not None}
