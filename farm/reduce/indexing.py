"""RGB pictures become pictures of palette entries, as GIF needs them."""

from __future__ import annotations

from typing import Any

import av

from farm.records import GifSpec
from farm.reduce.palette import entries

_PIXELS_PER_GRAPH = 2**22
"""FFmpeg's paletteuse remembers each distinct colour that it meets: a new graph every so many pixels keeps its
memory small however long the animation."""


class Indexer:
    """Maps frames of one size to a palette for all, or to one of their own each if `palette` is None.

    Dithering is by error diffusion (Sierra-2-4A): its local means came closest to the source in a comparison
    on 64-pixel drawings, where ordered (Bayer) patterns showed.
    """

    def __init__(self, spec: GifSpec, palette: Any) -> None:
        self._colors = spec.colors
        self._dither = "sierra2_4a" if spec.dither else "none"
        self._palette = palette
        self._graph: Any = None
        self._source: Any = None
        self._sink: Any = None
        self._pixels = 0

    def indexed(self, frame: Any) -> Any:
        """Return an RGB frame as pal8, at the same time."""
        if self._graph is None or self._pixels > _PIXELS_PER_GRAPH:
            # PyAV's filters hold their graph weakly: without a name it is freed, and the next push crashes.
            self._graph = av.filter.Graph()
            self._source = self._graph.add_buffer(template=frame)
            self._sink = self._graph.add("buffersink")
            (self._one_each if self._palette is None else self._one_for_all)()
            self._pixels = 0
        self._pixels += frame.width * frame.height
        self._source.push(frame)
        return self._sink.pull()

    def _one_each(self) -> None:
        split = self._graph.add("split")
        generator = self._graph.add("palettegen", f"stats_mode=single:max_colors={entries(self._colors)}")
        user = self._graph.add("paletteuse", f"new=1:dither={self._dither}")
        self._graph.link_nodes(self._source, split, user, self._sink)
        split.link_to(generator, 1, 0)
        generator.link_to(user, 0, 1)
        self._graph.configure()

    def _one_for_all(self) -> None:
        palette = self._graph.add_buffer(template=self._palette)
        # What did not change is not dithered anew: still parts stay still, and the file small.
        user = self._graph.add("paletteuse", f"diff_mode=rectangle:dither={self._dither}")
        self._graph.link_nodes(self._source, user, self._sink)
        palette.link_to(user, 0, 1)
        self._graph.configure()
        palette.push(self._palette)
        palette.push(None)
