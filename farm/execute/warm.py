"""Renderers that stay loaded between shards and jobs, as many as a device has room for."""

from __future__ import annotations

import gc
from collections import OrderedDict
from collections.abc import Callable

from farm.canonical import digest
from farm.records import RendererSpec
from farm.render import Renderer

OpenRenderer = Callable[[RendererSpec], Renderer]


class WarmRenderers:
    """The `room` renderers used last."""

    def __init__(self, open_renderer: OpenRenderer, *, room: int = 2) -> None:
        self._open = open_renderer
        self._room = room
        self._loaded: OrderedDict[str, Renderer] = OrderedDict()

    def get(self, spec: RendererSpec) -> Renderer:
        """Return the renderer of `spec`, loaded if need be.

        Raises:
            ModelError: when it cannot be loaded.
        """
        key = digest(spec)
        if key not in self._loaded:
            self._make_room()
            self._loaded[key] = self._open(spec)
        self._loaded.move_to_end(key)
        return self._loaded[key]

    def _make_room(self) -> None:
        """Drop what was used longest ago, before loading: both at once may not fit."""
        while len(self._loaded) >= self._room:
            self._loaded.popitem(last=False)
            gc.collect()  # pipelines hold reference cycles; without this their memory stays taken
