"""A worker: keeps renderers loaded, renders the chunks of a shard, and commits each before it reports it.

Each chunk is drawn (from the frame cache, by one model call, or by several smaller ones), checked for flaws, encoded
and written; its ledger rows come last, so that a row is a promise. One thread writes while the next chunk is drawn.
"""

from __future__ import annotations

import datetime
import hashlib
import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from farm.canonical import digest
from farm.errors import FolderTaken, OutOfMemory
from farm.events import ChunkDone
from farm.execute.renderer_cache import OpenRenderer, RendererCache
from farm.execute.retry_policy import Cause, Failed, Outcome
from farm.records import CacheSpec, Chunk, DiffusersSpec, Frame, FrameRow, Pixels, Shard
from farm.render import Renderer, describe_environment, open_renderer
from farm.store import (
    CachedFrame,
    FrameCache,
    JobFolder,
    Ledger,
    content_sha256,
    encode_frame,
    file_name,
    is_locked_by,
)

_logger = logging.getLogger(__name__)

_SHARD_WIDE_CAUSES = {Cause.MODEL, Cause.STORAGE, Cause.TAKEN}
"""Causes that would fail the other chunks of a shard, too."""


class Worker:
    """Renders shards one after the other. `node` is the host's name."""

    def __init__(
        self,
        name: str,
        node: str,
        open_renderer: OpenRenderer = open_renderer,
        cache: CacheSpec | None = None,
    ) -> None:
        self.name = name
        self.node = node
        self._renderers = RendererCache(open_renderer)
        self._cache = FrameCache(Path(cache.folder), cache.limit_bytes) if cache else None

    def render(self, shard: Shard) -> Iterator[Outcome]:
        """Yield the outcomes of the chunks, in order; failures are outcomes, not exceptions.

        After a failure to load the model or to write, the rest of the shard is not attempted.
        """
        left = len(shard.chunks)
        try:
            drawer = _Drawer(shard, self._renderers, self._cache)
            committer = _Committer(shard, self.name, self.node)
        except Exception as error:
            yield _failed(error, chunks=left)
            return
        for outcome in _outcomes(shard, drawer, committer):
            if isinstance(outcome, Failed) and outcome.cause in _SHARD_WIDE_CAUSES:
                yield Failed(cause=outcome.cause, reason=outcome.reason, chunks=left)
                return
            yield outcome
            left -= 1


@dataclass(frozen=True, slots=True, kw_only=True)
class _Drawn:
    """A chunk's pictures, not yet written; None for a picture with NaN or infinite pixels.

    `scheduler` is the checkpoint's own class. `started` is on `time.perf_counter`; drawing took `seconds`.
    """

    chunk: Chunk
    pictures: list[Pixels | None]
    device: str
    environment: str
    scheduler: str
    cached: bool
    started: float
    seconds: float


class _Drawer:
    """Draws the chunks of one shard. The renderer is loaded when the first chunk needs it."""

    def __init__(self, shard: Shard, renderers: RendererCache, cache: FrameCache | None) -> None:
        self._shard = shard
        self._renderers = renderers
        # Smaller calls may change a frame's last bits, and a last try is suspect: neither is cached.
        exact = shard.calls_per_chunk == 1 and not shard.last_try
        self._cache = cache if exact else None
        self._environment = describe_environment(shard.renderer) if self._cache else ""

    def draw(self, chunk: Chunk) -> _Drawn:
        """Return the chunk's pictures.

        Raises:
            ModelError: when the renderer cannot be loaded.
            OutOfMemory: when the model call is too large; the worker has then unloaded its other models.
            RenderError: when the pipeline fails.
        """
        started = time.perf_counter()
        entries = self._cached(chunk)
        if entries is not None:
            return _Drawn(
                chunk=chunk,
                pictures=[entry.pixels for entry in entries],
                device=entries[0].device,
                environment=self._environment,
                scheduler=entries[0].scheduler,
                cached=True,
                started=started,
                seconds=time.perf_counter() - started,
            )
        renderer = self._renderers.get(self._shard.renderer)
        loaded = time.perf_counter()
        pictures = self._render(renderer, chunk)
        return _Drawn(
            chunk=chunk,
            pictures=pictures,
            device=renderer.device,
            environment=renderer.environment,
            scheduler=renderer.own_scheduler,
            cached=False,
            started=started,
            seconds=time.perf_counter() - loaded,
        )

    def add_to_cache(self, drawn: _Drawn) -> None:
        """Put rendered frames into the cache, for other jobs."""
        if self._cache is None or drawn.cached or drawn.environment != self._environment:
            return
        for frame, picture in zip(drawn.chunk.frames, drawn.pictures, strict=True):
            if picture is not None:
                entry = CachedFrame(pixels=picture, scheduler=drawn.scheduler, device=drawn.device)
                self._cache.put(self._key(frame), entry)

    def _cached(self, chunk: Chunk) -> list[CachedFrame] | None:
        if self._cache is None:
            return None
        entries: list[CachedFrame] = []
        for frame in chunk.frames:
            entry = self._cache.get(self._key(frame))
            if entry is None:
                return None  # one model call gives all frames of the chunk
            entries.append(entry)
        return entries

    def _key(self, frame: Frame) -> str:
        return digest({"recipe": frame.digest, "environment": self._environment})

    def _render(self, renderer: Renderer, chunk: Chunk) -> list[Pixels | None]:
        try:
            return [picture for call in _calls(chunk, self._shard) for picture in renderer.render(call)]
        except OutOfMemory:
            self._renderers.drop_others(self._shard.renderer)
            raise


class _Committer:
    """Writes the chunks of one shard into its job's folder, for `worker` on the host `node`."""

    def __init__(self, shard: Shard, worker: str, node: str) -> None:
        self._shard = shard
        self._worker = worker
        self._node = node
        self._folder = JobFolder(shard.folder)
        self._ledger = Ledger(self._folder)

    def commit(self, drawn: _Drawn) -> ChunkDone:
        """Write the frames, then their ledger rows. Pictures that are None are reported as unusable.

        Raises:
            StorageError: when a file cannot be written (frames without a row may then exist), or another run holds
                the folder.
        """
        self._check_lock()
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

    def _check_lock(self) -> None:
        """Refuse to write for a run that was suspended, presumed dead, and replaced by another run."""
        lock_id = self._shard.lock_id
        if lock_id and not is_locked_by(self._folder, lock_id):
            raise FolderTaken(
                f"{self._shard.folder}: another run has taken over this folder, and this run has ended."
            )

    def _write(self, drawn: _Drawn, frame: Frame, pixels: Pixels) -> FrameRow:
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
            flaw=_flaw(pixels),
            cached=drawn.cached,
            worker=self._worker,
            node=self._node,
            device=drawn.device,
            attempt=self._shard.attempt,
            render_seconds=drawn.seconds / len(drawn.pictures),
            rendered_at=datetime.datetime.now(datetime.UTC).isoformat(timespec="microseconds"),
            environment=drawn.environment,
        )


def _outcomes(shard: Shard, drawer: _Drawer, committer: _Committer) -> Iterator[Outcome]:
    """Draw each chunk while another thread encodes and writes the previous one, to keep a GPU busy."""

    def draw(chunk: Chunk) -> _Drawn | Failed:
        try:
            drawn = drawer.draw(chunk)
        except Exception as error:
            return _failed(error)
        flaws = "" if shard.last_try else _flaws(chunk.frames, drawn.pictures)
        return Failed(cause=Cause.FLAW, reason=flaws) if flaws else drawn

    def commit(drawn: _Drawn | Failed) -> Outcome:
        if isinstance(drawn, Failed):
            return drawn
        try:
            done = committer.commit(drawn)
            drawer.add_to_cache(drawn)
        except Exception as error:
            return _failed(error)
        return done

    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="farm-writer") as writer:
        committing: Future[Outcome] | None = None
        for chunk in shard.chunks:
            drawn = draw(chunk)
            if committing is not None:
                yield committing.result()
            committing = writer.submit(commit, drawn)
            if isinstance(drawn, Failed) and drawn.cause is Cause.MODEL:
                break  # loading it again for every chunk would take minutes each
        if committing is not None:
            yield committing.result()


def _calls(chunk: Chunk, shard: Shard) -> Iterator[Chunk]:
    size = shard.frames_per_call
    if size == chunk.batch_size:
        yield chunk
        return
    for start in range(0, len(chunk.frames), size):
        yield Chunk(index=chunk.index, batch_size=size, frames=chunk.frames[start : start + size])


def _flaw(picture: Pixels | None) -> str:
    """Return what is wrong with a picture: `blank` for a single colour, empty for nothing."""
    if picture is None:
        return "NaN or infinite pixels (float16 overflows: try torch_dtype float32 or bfloat16)"
    return "blank" if bool((picture == picture[0, 0]).all()) else ""


def _flaws(frames: Iterable[Frame], pictures: Sequence[Pixels | None]) -> str:
    """Return the flaws of a chunk's pictures as a text; empty if there are none."""
    flaws = ((frame.index, _flaw(picture)) for frame, picture in zip(frames, pictures, strict=True))
    return "; ".join(f"frame {index}: {flaw}" for index, flaw in flaws if flaw)


def _failed(error: Exception, *, chunks: int = 1) -> Failed:
    failed = Failed.from_exception(error, chunks=chunks)
    if failed.cause is Cause.DEFECT:
        _logger.error("unexpected error in a worker", exc_info=error)
    return failed
