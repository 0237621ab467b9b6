"""Renderers that stay loaded between shards and jobs, as many as fit on a device."""

from __future__ import annotations

import gc
import logging
from collections import OrderedDict
from collections.abc import Callable

from farm.canonical import digest
from farm.errors import FarmError, ModelError, OutOfMemory
from farm.records import RendererSpec
from farm.render import Renderer

_logger = logging.getLogger(__name__)

OpenRenderer = Callable[[RendererSpec], Renderer]


class RendererCache:
    """The `size` most recently used renderers."""

    def __init__(self, open_renderer: OpenRenderer, *, size: int = 2) -> None:
        self._open = open_renderer
        self._size = size
        self._loaded: OrderedDict[str, Renderer] = OrderedDict()

    def get(self, spec: RendererSpec) -> Renderer:
        """Return the renderer of `spec`, loading it on first use.

        Raises:
            ModelError: when it cannot be loaded, for whatever reason.
        """
        key = digest(spec)
        if key not in self._loaded:
            # Before loading: both at once may not fit.
            self._drop(list(self._loaded)[: len(self._loaded) + 1 - self._size])
            self._loaded[key] = self._load(spec)
        self._loaded.move_to_end(key)
        return self._loaded[key]

    def drop_others(self, spec: RendererSpec) -> None:
        """Unload all renderers but this one, to free memory."""
        kept = digest(spec)
        self._drop([key for key in self._loaded if key != kept])

    def _load(self, spec: RendererSpec) -> Renderer:
        try:
            return self._open(spec)
        except OutOfMemory as error:
            if not self._loaded:
                raise ModelError(f"the model does not fit: {error}") from error
            self._drop(list(self._loaded))
            return self._load(spec)
        except FarmError:
            raise
        except Exception as error:
            _logger.error("unexpected error while loading a model", exc_info=error)
            raise ModelError(f"{type(error).__name__}: {error}") from error

    def _drop(self, keys: list[str]) -> None:
        for key in keys:
            del self._loaded[key]
        if keys:
            gc.collect()  # pipelines hold reference cycles, which keep their memory
