"""What a report says of a job, as plain values. Every text in it may be anything: the page escapes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["running", "done", "partial", "failed", "interrupted"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """One value per frame of the job, from frame 0 on; None, or NaN, where there is none."""

    label: str
    values: tuple[float | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """Curves that share an axis: 0 to 100% if they are `probabilities`, else what their values need.

    With `points` frames stand side by side, and no line leads from one to the next.
    """

    title: str
    curves: tuple[Curve, ...]
    unit: str = ""
    probabilities: bool = False
    points: bool = False
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """A sentence of the account, and the frames that it speaks of, in the order of the text.

    `places[k]` is where in the text the digits of `frames[k]` begin, which become a link; without places none do.
    """

    text: str
    frames: tuple[int, ...]
    places: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Disagreement:
    """What the two judges say of a frame."""

    frame: int
    first: str
    second: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """How often two judges say the same. `counts[i][j]` frames are `labels[i]` to the first, `labels[j]` to the second.

    `rate` is of 0 to 1, None where no frame was judged by both.
    """

    first: str
    second: str
    rate: float | None
    labels: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]
    examples: tuple[Disagreement, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FlaggedFrame:
    """A frame that deserves a look."""

    frame: int
    flag: Literal["blank", "outlier", "failed"]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameSpan:
    """Frames `first` to `last`, inclusive, of which one thing is to be said."""

    first: int
    last: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A name and its value, as text."""

    name: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerTime:
    """What one worker rendered, and the seconds that it was busy with it."""

    name: str
    node: str
    device: str
    frames: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """What frames were rendered with, and how many."""

    facts: tuple[Setting, ...]
    frames: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FileLink:
    """A file or folder beside the report; `path` is relative to the job folder, `/` between its parts."""

    path: str
    bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportData:
    """A job as its page shows it.

    `frames` are the indices of those that are finished, of 0 to `frame_count` - 1; their pictures are read from the
    job folder. Times of day are ISO 8601 in UTC, empty if there is none yet; `written_at` is now. `seconds` is
    wall-clock time. `fps` and `rubber_band` say how the animation plays. `failures` are frames that are missing, and
    why; `remarks` frames that are there but not as they should be. `error` is what ended the job, else empty. A page
    with `refresh_seconds` above 0 loads itself again that often. `captions` has one for every frame of the job, each a
    few words on what sets it apart, or is empty.
    """

    name: str
    description: str
    kind: str
    state: State
    frame_count: int
    frames: tuple[int, ...]
    written_at: str
    started_at: str = ""
    finished_at: str = ""
    seconds: float = 0.0
    error: str = ""
    fps: float = 10.0
    rubber_band: bool = False
    captions: tuple[str, ...] = ()
    charts: tuple[Chart, ...] = ()
    account: tuple[Sentence, ...] = ()
    agreement: Agreement | None = None
    flagged: tuple[FlaggedFrame, ...] = ()
    failures: tuple[FrameSpan, ...] = ()
    remarks: tuple[FrameSpan, ...] = ()
    settings: tuple[Setting, ...] = ()
    manifest: str = ""
    workers: tuple[WorkerTime, ...] = ()
    environments: tuple[Environment, ...] = ()
    files: tuple[FileLink, ...] = ()
    refresh_seconds: float = 0.0
