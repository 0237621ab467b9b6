"""Frames cut for workers, and what was rendered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from farm.records.fields import Facts, Moment, Natural, Pixel, Positive, Seconds
from farm.records.model import RendererSpec
from farm.records.recipe import Frame

Pixels = npt.NDArray[np.uint8]
"""RGB pixels of one picture, shape [height, width, 3]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """Frames of one model call. Slot s holds frame `index * batch_size + s`; a short last chunk is padded."""

    index: int
    batch_size: int
    frames: tuple[Frame, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """Chunks for one worker. `job` is the job's name, `folder` its output folder (path or URL).

    `renderer_digest` is of what determines pixels in the renderer. A chunk is one model call; after running out of
    memory `calls_per_chunk` calls of fewer frames. On the `last_try` blank pictures are kept as they come. `claim` is
    the id of the claim on the folder without which nothing is written; empty where nobody else could write.
    """

    job: str
    folder: str
    renderer: RendererSpec
    renderer_digest: str
    chunks: tuple[Chunk, ...]
    attempt: int = 1
    calls_per_chunk: int = 1
    last_try: bool = False
    claim: str = ""

    @property
    def frame_count(self) -> int:
        """How many frames its chunks hold, the padding not counted."""
        return sum(len(chunk.frames) for chunk in self.chunks)

    @property
    def frames_per_call(self) -> int:
        """How many frames a model call holds: the batch size, or a part of it after running out of memory."""
        return max(1, self.chunks[0].batch_size // self.calls_per_chunk)


ChunkState = Literal["waiting", "assigned", "retrying", "done", "failed", "cancelled"]
"""Where a chunk is in a run: see `farm.execute.dispatcher`. Chunks `done`, `failed` and `cancelled` stay so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheSpec:
    """A folder in which jobs share frames of one recipe and environment, and how many bytes it may take."""

    folder: str
    limit_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameRow:
    """The ledger's row of a finished frame.

    `file_name` is relative to the job folder, `file_sha256` of that file's bytes, `content_sha256` of the RGB
    pixels (see `farm.store.frames`). `renderer_digest` is of the model that the recipe was rendered with;
    `scheduler` the class that sampled, the checkpoint's own where the recipe names none; `revision` empty but
    for a hub id. `frames_per_call` is less than `batch_size` where memory ran out at full size, and such a frame's
    last bits may be others. `flaw` is `blank` for a picture of one colour, which came twice, else empty. `cached`
    frames were not rendered but taken from the cache. `render_seconds` is this frame's share of its chunk's time,
    `rendered_at` ISO 8601 in UTC, `environment` a JSON object of versions, device, dtype and threads.
    """

    frame: Natural
    file_name: str
    file_sha256: str
    recipe_digest: str
    renderer_digest: str
    content_sha256: str
    pipeline: str
    pretrained: str
    revision: str
    scheduler: str
    batch_size: Positive
    frames_per_call: Positive
    height: Pixel
    width: Pixel
    flaw: str
    cached: bool
    worker: str
    node: str
    device: str
    attempt: Natural
    render_seconds: Seconds
    rendered_at: Moment
    environment: Facts
