"""The contents of a report, as plain values. Texts are unrestricted: the page escapes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from farm.records import Sentence

State = Literal["running", "done", "partial", "failed", "interrupted"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartCurve:
    """One value per frame of the job, from frame 0; None or NaN if there is none."""

    label: str
    values: tuple[float | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """Curves that share an axis: 0 to 100% for `probabilities`, else fitted to their values.

    With `points` the frames are independent pictures, drawn as dots without lines.
    """

    title: str
    curves: tuple[ChartCurve, ...]
    unit: str = ""
    probabilities: bool = False
    points: bool = False
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfusionExample:
    """The labels that two models give a frame."""

    frame: int
    first: str
    second: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfusionMatrix:
    """The agreement of two models: `counts[i][j]` frames are `labels[i]` to the first, `labels[j]` to the second.

    `rate` is the share of frames with equal labels, 0 to 1; None if no frame was scored by both.
    """

    first: str
    second: str
    rate: float | None
    labels: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]
    examples: tuple[ConfusionExample, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FlaggedFrame:
    """A frame that deserves attention."""

    frame: int
    flag: Literal["blank", "outlier", "failed"]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameSpan:
    """Frames `first` to `last`, inclusive, that share a reason."""

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
    """The frames that a worker rendered, and the seconds that it was busy."""

    name: str
    node: str
    device: str
    frames: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """Versions and devices that frames were rendered with, and the number of these frames."""

    facts: tuple[Setting, ...]
    frames: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FileLink:
    """A file or folder of the job; `path` is relative to the job folder, with `/` between its parts."""

    path: str
    bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportData:
    """The contents of a job's page.

    `frames` are the indices of finished frames, of 0 to `frame_count` - 1; their pictures are read from the job folder.
    `written_at`, `started_at` and `finished_at` are ISO 8601 in UTC, empty if unknown. `seconds` is wall time. `fps`
    and `rubber_band` say how the animation plays. `failures` are missing frames with the reason; `remarks` finished
    frames with a flaw. `error` is what ended the job, else empty. A page with `refresh_seconds` above 0 reloads itself
    at that interval. `captions` has a short distinguishing text for every frame of the job, or is empty.
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
    insights: tuple[Sentence, ...] = ()
    agreement: ConfusionMatrix | None = None
    flagged: tuple[FlaggedFrame, ...] = ()
    failures: tuple[FrameSpan, ...] = ()
    remarks: tuple[FrameSpan, ...] = ()
    settings: tuple[Setting, ...] = ()
    manifest: str = ""
    workers: tuple[WorkerTime, ...] = ()
    environments: tuple[Environment, ...] = ()
    files: tuple[FileLink, ...] = ()
    refresh_seconds: float = 0.0
