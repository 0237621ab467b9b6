"""A worker keeps renderers loaded, renders shards, and makes every chunk durable before it says so."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

from farm.execute.commit import Committer, Drawn, Origin
from farm.execute.outcome import Cause, Failed, Outcome
from farm.execute.warm import OpenRenderer, WarmRenderers
from farm.records import Chunk, Shard
from farm.render import Renderer, open_renderer

_logger = logging.getLogger(__name__)


class Worker:
    """Renders shards one after the other. `node` is the host's name."""

    def __init__(self, name: str, node: str, open_renderer: OpenRenderer = open_renderer) -> None:
        self.name = name
        self.node = node
        self._renderers = WarmRenderers(open_renderer)

    def render(self, shard: Shard) -> Iterator[Outcome]:
        """Yield what became of the chunks, in their order; failures are outcomes, not exceptions.

        After a StorageError the rest of the shard is not tried.
        """
        left = len(shard.chunks)
        try:
            renderer = self._renderers.get(shard.renderer)
            committer = Committer(shard, self._origin(renderer))
        except Exception as error:
            yield _failed(error, chunks=left)
            return
        for outcome in _pipelined(shard.chunks, renderer, committer):
            if isinstance(outcome, Failed) and outcome.cause is Cause.STORAGE:
                yield Failed(cause=outcome.cause, reason=outcome.reason, chunks=left)
                return
            yield outcome
            left -= 1

    def _origin(self, renderer: Renderer) -> Origin:
        return Origin(
            worker=self.name,
            node=self.node,
            device=renderer.device,
            environment=renderer.environment,
            scheduler=renderer.own_scheduler,
        )


def _pipelined(chunks: tuple[Chunk, ...], renderer: Renderer, committer: Committer) -> Iterator[Outcome]:
    """Encode and write each chunk while the next is rendered: that keeps a GPU busy."""
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="farm-writer") as writer:
        committing: Future[Outcome] | None = None
        for chunk in chunks:
            drawn = _draw(renderer, chunk)
            if committing is not None:
                yield committing.result()
            committing = writer.submit(_commit, committer, drawn)
        if committing is not None:
            yield committing.result()


def _draw(renderer: Renderer, chunk: Chunk) -> Drawn | Failed:
    started = time.perf_counter()
    try:
        pictures = renderer.render(chunk)
    except Exception as error:
        return _failed(error)
    return Drawn(chunk=chunk, pictures=pictures, started=started, seconds=time.perf_counter() - started)


def _commit(committer: Committer, drawn: Drawn | Failed) -> Outcome:
    if isinstance(drawn, Failed):
        return drawn
    try:
        return committer.commit(drawn)
    except Exception as error:
        return _failed(error)


def _failed(error: Exception, *, chunks: int = 1) -> Failed:
    failed = Failed.because(error, chunks=chunks)
    if failed.cause is Cause.DEFECT:
        _logger.error("an error that the farm did not foresee", exc_info=error)
    return failed
