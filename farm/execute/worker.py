"""A worker keeps renderers loaded, renders shards, and makes every chunk durable before it says so."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from farm.execute import flaws
from farm.execute.commit import Committer
from farm.execute.drawing import Drawing, Drawn
from farm.execute.outcome import Cause, Failed, Outcome
from farm.execute.warm import OpenRenderer, WarmRenderers
from farm.records import CacheSpec, Chunk, Shard
from farm.render import open_renderer
from farm.store import FrameCache

_logger = logging.getLogger(__name__)

_OF_ALL = {Cause.MODEL, Cause.STORAGE, Cause.TAKEN}
"""What fails one chunk for these fails the others of its shard, too."""


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
        self._renderers = WarmRenderers(open_renderer)
        self._cache = FrameCache(Path(cache.folder), cache.limit_bytes) if cache else None

    def render(self, shard: Shard) -> Iterator[Outcome]:
        """Yield what became of the chunks, in their order; failures are outcomes, not exceptions.

        After a ModelError or StorageError the rest of the shard is not tried.
        """
        left = len(shard.chunks)
        try:
            drawing = Drawing(shard, self._renderers, self._cache)
            committer = Committer(shard, self.name, self.node)
        except Exception as error:
            yield _failed(error, chunks=left)
            return
        for outcome in _Pipeline(shard, drawing, committer).outcomes():
            if isinstance(outcome, Failed) and outcome.cause in _OF_ALL:
                yield Failed(cause=outcome.cause, reason=outcome.reason, chunks=left)
                return
            yield outcome
            left -= 1


class _Pipeline:
    """Encodes and writes each chunk while the next is drawn: that keeps a GPU busy."""

    def __init__(self, shard: Shard, drawing: Drawing, committer: Committer) -> None:
        self._shard = shard
        self._drawing = drawing
        self._committer = committer

    def outcomes(self) -> Iterator[Outcome]:
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="farm-writer") as writer:
            committing: Future[Outcome] | None = None
            for chunk in self._shard.chunks:
                drawn = self._draw(chunk)
                if committing is not None:
                    yield committing.result()
                committing = writer.submit(self._commit, drawn)
                if isinstance(drawn, Failed) and drawn.cause is Cause.MODEL:
                    break  # loading it for every chunk anew would take minutes each
            if committing is not None:
                yield committing.result()

    def _draw(self, chunk: Chunk) -> Drawn | Failed:
        try:
            drawn = self._drawing.draw(chunk)
        except Exception as error:
            return _failed(error)
        flawed = "" if self._shard.last_try else flaws.told(chunk.frames, drawn.pictures)
        return Failed(cause=Cause.FLAW, reason=flawed) if flawed else drawn

    def _commit(self, drawn: Drawn | Failed) -> Outcome:
        if isinstance(drawn, Failed):
            return drawn
        try:
            done = self._committer.commit(drawn)
            self._drawing.keep(drawn)
        except Exception as error:
            return _failed(error)
        return done


def _failed(error: Exception, *, chunks: int = 1) -> Failed:
    failed = Failed.because(error, chunks=chunks)
    if failed.cause is Cause.DEFECT:
        _logger.error("an error that the farm did not foresee", exc_info=error)
    return failed
