"""From a chunk to its pictures: out of the cache, by one model call, or by several after running out of memory."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

from farm.canonical import digest
from farm.errors import OutOfMemory
from farm.execute.warm import WarmRenderers
from farm.records import Chunk, Frame, Pixels, Shard
from farm.render import Renderer, describe_environment
from farm.store import CachedFrame, FrameCache


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """A chunk's pictures, not yet written. `started` is of `time.perf_counter`; drawing took `seconds`.

    `scheduler` is the checkpoint's own class. None stands for a picture that is none.
    """

    chunk: Chunk
    pictures: list[Pixels | None]
    device: str
    environment: str
    scheduler: str
    cached: bool
    started: float
    seconds: float


class Drawing:
    """Draws the chunks of one shard. The renderer is loaded when the first chunk needs it."""

    def __init__(self, shard: Shard, renderers: WarmRenderers, cache: FrameCache | None) -> None:
        self._shard = shard
        self._renderers = renderers
        # A frame of fewer per call is not what its recipe says, and what is tried again is suspect.
        exact = shard.calls_per_chunk == 1 and not shard.last_try
        self._cache = cache if exact else None
        self._environment = describe_environment(shard.renderer) if self._cache else ""

    def draw(self, chunk: Chunk) -> Drawn:
        """Return the chunk's pictures.

        Raises:
            ModelError: when the renderer cannot be loaded.
            OutOfMemory: when the call is too large; the worker's other models have been dropped then.
            RenderError: when the pipeline fails.
        """
        started = time.perf_counter()
        kept = self._kept(chunk)
        if kept is not None:
            return Drawn(
                chunk=chunk,
                pictures=[frame.pixels for frame in kept],
                device=kept[0].device,
                environment=self._environment,
                scheduler=kept[0].scheduler,
                cached=True,
                started=started,
                seconds=time.perf_counter() - started,
            )
        renderer = self._renderers.get(self._shard.renderer)
        begun = time.perf_counter()
        pictures = self._render(renderer, chunk)
        return Drawn(
            chunk=chunk,
            pictures=pictures,
            device=renderer.device,
            environment=renderer.environment,
            scheduler=renderer.own_scheduler,
            cached=False,
            started=started,
            seconds=time.perf_counter() - begun,
        )

    def keep(self, drawn: Drawn) -> None:
        """Leave what was rendered to other jobs."""
        if self._cache is None or drawn.cached or drawn.environment != self._environment:
            return
        for frame, picture in zip(drawn.chunk.frames, drawn.pictures, strict=True):
            if picture is not None:
                entry = CachedFrame(pixels=picture, scheduler=drawn.scheduler, device=drawn.device)
                self._cache.put(self._key(frame), entry)

    def _kept(self, chunk: Chunk) -> list[CachedFrame] | None:
        if self._cache is None:
            return None
        found: list[CachedFrame] = []
        for frame in chunk.frames:
            entry = self._cache.get(self._key(frame))
            if entry is None:
                return None  # the chunk's one model call gives all of its frames
            found.append(entry)
        return found

    def _key(self, frame: Frame) -> str:
        return digest({"recipe": frame.digest, "environment": self._environment})

    def _render(self, renderer: Renderer, chunk: Chunk) -> list[Pixels | None]:
        try:
            return [picture for call in _calls(chunk, self._shard) for picture in renderer.render(call)]
        except OutOfMemory:
            self._renderers.drop_others(self._shard.renderer)
            raise


def _calls(chunk: Chunk, shard: Shard) -> Iterator[Chunk]:
    size = shard.frames_per_call
    if size == chunk.batch_size:
        yield chunk
        return
    for start in range(0, len(chunk.frames), size):
        yield Chunk(index=chunk.index, batch_size=size, frames=chunk.frames[start : start + size])
