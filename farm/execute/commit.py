"""From rendered pictures to durable frames: files first, ledger rows after, so that a row is a promise."""

from __future__ import annotations

import datetime
import hashlib
import time
from dataclasses import dataclass

from farm.events import ChunkDone
from farm.records import Chunk, DiffusersSpec, Frame, FrameRow, Pixels, Shard
from farm.store import JobFolder, Ledger, content_sha256, encode_frame, file_name


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """A rendered chunk, not yet written. `started` is of `time.perf_counter`; rendering took `seconds`."""

    chunk: Chunk
    pictures: list[Pixels]
    started: float
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where frames come from, as their ledger rows tell it; `scheduler` is the checkpoint's own class."""

    worker: str
    node: str
    device: str
    environment: str
    scheduler: str


class Committer:
    """Writes the chunks of one shard into its job's folder."""

    def __init__(self, shard: Shard, origin: Origin) -> None:
        self._shard = shard
        self._origin = origin
        self._folder = JobFolder(shard.folder)
        self._ledger = Ledger(self._folder)

    def commit(self, drawn: Drawn) -> ChunkDone:
        """Write the frames, then record them.

        Raises:
            StorageError: when something cannot be written; whole frames may be there without a row then.
        """
        share = drawn.seconds / len(drawn.pictures)
        pairs = zip(drawn.chunk.frames, drawn.pictures, strict=True)
        rows = tuple(self._write(drawn.chunk, frame, pixels, share) for frame, pixels in pairs)
        self._ledger.commit(rows)
        return ChunkDone(
            job=self._shard.job,
            worker=self._origin.worker,
            rows=rows,
            seconds=time.perf_counter() - drawn.started,
        )

    def _write(self, chunk: Chunk, frame: Frame, pixels: Pixels, seconds: float) -> FrameRow:
        name, renderer = file_name(frame.index), self._shard.renderer
        data = encode_frame(pixels, frame, renderer)
        self._folder.write(name, data)
        height, width, _ = pixels.shape
        return FrameRow(
            frame=frame.index,
            file_name=name,
            file_sha256=hashlib.sha256(data).hexdigest(),
            recipe_digest=frame.digest,
            renderer_digest=self._shard.renderer_digest,
            content_sha256=content_sha256(pixels),
            pipeline=renderer.pipeline if isinstance(renderer, DiffusersSpec) else "procedural",
            pretrained=renderer.source.pretrained if isinstance(renderer, DiffusersSpec) else "procedural",
            revision=renderer.source.revision if isinstance(renderer, DiffusersSpec) else "",
            scheduler=frame.recipe.scheduler.class_name or self._origin.scheduler,
            batch_size=chunk.batch_size,
            height=height,
            width=width,
            worker=self._origin.worker,
            node=self._origin.node,
            device=self._origin.device,
            attempt=self._shard.attempt,
            render_seconds=seconds,
            rendered_at=datetime.datetime.now(datetime.UTC).isoformat(timespec="microseconds"),
            environment=self._origin.environment,
        )
