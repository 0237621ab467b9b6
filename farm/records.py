"""What flows through the farm: plain frozen values that every layer may know, and that pickle.

Recipe -> Frame -> Chunk -> Shard      what to render, cut for workers
FrameRow                               what was rendered
OutputSpec                             what to assemble from it
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]
"""RGB pixels of one picture, shape [height, width, 3]."""

Scalar = str | int | float | bool | None

Determinism = Literal["strict", "fast"]
"""Whether a device must give the same bits whenever it is asked, or may choose what is fastest."""


# --- the model -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSource:
    """A checkpoint that was found.

    `pretrained` is what the user wrote; `location` a folder, a `.safetensors` file or a hub id; `revision` a
    full commit for a hub id, else empty; `fingerprint` changes whenever the weights may have changed (the
    commit, or a SHA-256 of the files).
    """

    pretrained: str
    kind: Literal["shipped", "folder", "file", "hub"]
    location: str
    revision: str
    fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Lora:
    """A LoRA adapter. Its scale is a frame's argument, `lora_scale.<number>`: 1.0 is its trained strength."""

    source: ModelSource
    weight_name: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SchedulerSpec:
    """A diffusers scheduler class with overrides of its configuration; an empty class keeps the checkpoint's."""

    class_name: str
    config: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class DiffusersSpec:
    """All that a diffusers renderer needs in order to load: equal specs share one loaded pipeline."""

    pipeline: str
    source: ModelSource
    variant: str | None
    torch_dtype: Literal["float32", "float16", "bfloat16"]
    loras: tuple[Lora, ...]
    determinism: Determinism


@dataclass(frozen=True, slots=True, kw_only=True)
class ProceduralSpec:
    """A renderer without a model: draws a frame from its recipe alone, for rehearsals and tests.

    `seconds_per_chunk` is slept on each call, to stand in for a model's time.
    """

    height: int = 64
    width: int = 64
    seconds_per_chunk: float = 0.0


RendererSpec = DiffusersSpec | ProceduralSpec


# --- one frame -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """A step away from the mixed conditioning: `distance * direction` is added to it.

    `ones` is the vector of ones; `random` a Gaussian direction of `seed`, scaled to unit RMS.
    """

    direction: Literal["ones", "random"]
    distance: float
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditioning:
    """A mixture of prompts. `weights` are positive and sum to 1; a single prompt is used as encoded."""

    prompts: tuple[str, ...]
    weights: tuple[float, ...]
    mix: Literal["lerp", "slerp"]
    negative_prompt: str
    drift: Drift | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise:
    """The initial latents: `sum(w_k * n(seed_k))`, or `slerp(n(seed_0), n(seed_1), weights[1])`.

    `n(s)` is standard normal noise of `torch.Generator("cpu").manual_seed(s)` in float32. A stochastic
    scheduler goes on with the generator of `stream` as that draw left it, as in diffusers.
    """

    mode: Literal["fixed", "per_frame", "keyframes", "circle", "seeds"]
    mix: Literal["sum", "slerp"]
    seeds: tuple[int, ...]
    weights: tuple[float, ...]
    stream: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """All of a frame's pixels that is not the model: `arguments` are the pipeline call's, by diffusers' names."""

    conditioning: Conditioning
    noise: Noise
    scheduler: SchedulerSpec
    arguments: Mapping[str, Scalar]


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One image to render. `alpha` is its place on the motion, in [0, 1]; `digest` its recipe digest (hex)."""

    index: int
    alpha: float
    recipe: Recipe
    digest: str


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


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheSpec:
    """A folder in which jobs share frames of one recipe and environment, and how many bytes it may take."""

    folder: str
    limit_bytes: int


# --- what was rendered -----------------------------------------------------------------------------------


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

    frame: int
    file_name: str
    file_sha256: str
    recipe_digest: str
    renderer_digest: str
    content_sha256: str
    pipeline: str
    pretrained: str
    revision: str
    scheduler: str
    batch_size: int
    frames_per_call: int
    height: int
    width: int
    flaw: str
    cached: bool
    worker: str
    node: str
    device: str
    attempt: int
    render_seconds: float
    rendered_at: str
    environment: str


# --- what to assemble ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class GifSpec:
    """`fps` frames a second; `rubber_band` plays forwards then backwards without doubling the end frames."""

    fps: float
    rubber_band: bool
    loop: bool
    colors: int
    palette: Literal["global", "per_frame"]
    dither: bool
    scale: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Mp4Spec:
    """`crf` is x264's constant rate factor, 0 (lossless) to 51 (worst)."""

    fps: float
    crf: int
    preset: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetSpec:
    """A contact sheet of at most `max_frames` evenly spaced frames, each at most `thumbnail` pixels wide."""

    columns: int
    max_frames: int
    thumbnail: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GridSpec:
    """`grid.png`: all frames row by row, full size, with a label per row and column (empty for none)."""

    rows: int
    columns: int
    row_labels: tuple[str, ...]
    column_labels: tuple[str, ...]
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputSpec:
    """What the reducer makes of a job's frames; None where an output is not wanted."""

    gif: GifSpec | None
    mp4: Mp4Spec | None
    contact_sheet: SheetSpec | None
    grid: GridSpec | None
