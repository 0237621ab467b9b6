"""From drawn pictures to durable frames: files first, ledger rows after, so that a row is a promise."""

from __future__ import annotations

import datetime
import hashlib
import time

from farm.errors import FolderTaken
from farm.events import ChunkDone
from farm.execute.drawing import Drawn
from farm.execute.flaws import flaw_of
from farm.records import DiffusersSpec, Frame, FrameRow, Pixels, Shard
from farm.store import JobFolder, Ledger, content_sha256, encode_frame, file_name, is_locked_by


class Committer:
    """Writes the chunks of one shard into its job's folder, as `worker` on the host `node`."""

    def __init__(self, shard: Shard, worker: str, node: str) -> None:
        self._shard = shard
        self._worker = worker
        self._node = node
        self._folder = JobFolder(shard.folder)
        self._ledger = Ledger(self._folder)

    def commit(self, drawn: Drawn) -> ChunkDone:
        """Write the frames, then record them; what is no picture is told as unusable.

        Raises:
            StorageError: when something cannot be written, whole frames may be there without a row then; or when
                another run has the folder.
        """
        self._check_claim()
        pairs = list(zip(drawn.chunk.frames, drawn.pictures, strict=True))
        rows = tuple(self._write(drawn, frame, pixels) for frame, pixels in pairs if pixels is not None)
        if rows:
            self._ledger.commit(rows)
        return ChunkDone(
            job=self._shard.job,
            worker=self._worker,
            rows=rows,
            seconds=time.perf_counter() - drawn.started,
            unusable=tuple(frame.index for frame, pixels in pairs if pixels is None),
        )

    def _check_claim(self) -> None:
        """A run that was stopped for a while, and taken for dead, must not write over its successor's frames."""
        claim = self._shard.claim
        if claim and not is_locked_by(self._folder, claim):
            raise FolderTaken(
                f"{self._shard.folder}: another run has taken this folder over; this one has ended."
            )

    def _write(self, drawn: Drawn, frame: Frame, pixels: Pixels) -> FrameRow:
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
            scheduler=frame.recipe.scheduler.class_name or drawn.scheduler,
            batch_size=drawn.chunk.batch_size,
            frames_per_call=self._shard.frames_per_call,
            height=height,
            width=width,
            flaw=flaw_of(pixels),
            cached=drawn.cached,
            worker=self._worker,
            node=self._node,
            device=drawn.device,
            attempt=self._shard.attempt,
            render_seconds=drawn.seconds / len(drawn.pictures),
            rendered_at=datetime.datetime.now(datetime.UTC).isoformat(timespec="microseconds"),
            environment=drawn.environment,
        )
