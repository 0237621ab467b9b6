"""Frames divided for workers, and records of rendered frames."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from farm.records.fields import Facts, Moment, Natural, Pixel, Positive, Seconds
from farm.records.model import RendererSpec
from farm.records.recipe import Frame

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

Pixels: TypeAlias = "npt.NDArray[np.uint8]"
"""RGB pixels of a picture, shape [height, width, 3]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """Frames of one model call. Slot s has frame `index * batch_size + s`; a short last chunk is padded."""

    index: int
    batch_size: int
    frames: tuple[Frame, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """Chunks for one worker. `job` is the job's name, `folder` its output folder (path or URL).

    `renderer_digest` covers the settings of the renderer that determine pixels. A chunk is one model call; after
    running out of memory, it is `calls_per_chunk` calls with fewer frames. On the `last_try`, blank pictures are
    accepted. `lock_id` identifies the lock on the folder that permits writing; empty if no other run could write.
    """

    job: str
    folder: str
    renderer: RendererSpec
    renderer_digest: str
    chunks: tuple[Chunk, ...]
    attempt: int = 1
    calls_per_chunk: int = 1
    last_try: bool = False
    lock_id: str = ""

    @property
    def frame_count(self) -> int:
        """The number of frames in its chunks, without padding."""
        return sum(len(chunk.frames) for chunk in self.chunks)

    @property
    def frames_per_call(self) -> int:
        """The number of frames in a model call: the batch size, or a fraction of it after running out of memory."""
        return max(1, self.chunks[0].batch_size // self.calls_per_chunk)


ChunkState = Literal["waiting", "assigned", "retrying", "done", "failed", "cancelled"]
"""The state of a chunk in a run (see `farm.execute.dispatcher`); `done`, `failed` and `cancelled` are final."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheSpec:
    """A folder in which jobs share frames of equal recipe and environment, and its maximum size in bytes."""

    folder: str
    limit_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameRow:
    """The ledger's row of a finished frame.

    `file_name` is relative to the job folder, `file_sha256` is of the file's bytes, `content_sha256` of the RGB pixels
    (see `farm.store.frames`). `renderer_digest` is that of the renderer; `scheduler` is the class that sampled, the
    checkpoint's own if the recipe names none; `revision` is empty except for a hub id. `frames_per_call` is less than
    `batch_size` if memory ran out at full size; the last bits of such a frame may differ. `flaw` is `blank` for a
    picture of one colour that was rendered twice, else empty. `cached` frames were read from the cache instead of being
    rendered. `render_seconds` is this frame's share of its chunk's time, `rendered_at` is ISO 8601 in UTC,
    `environment` is a JSON object of versions, device, dtype and threads.
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
