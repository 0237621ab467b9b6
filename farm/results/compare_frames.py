"""What is measured in two jobs, frame by frame; a few numbers are kept of each."""

from __future__ import annotations

import json
import statistics
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from farm.analyze import image_difference, open_analyzer, sharpness
from farm.errors import ModelError, UsageError
from farm.inputs.checkpoints.source import find_source
from farm.inputs.checkpoints.tokenizers import scoring_model_mismatch
from farm.records import AnalysisSpec, ClipSpec, Frame, FrameRow, Pixels, Stretch, Value
from farm.records.status import FrameStatus, ranges_of
from farm.reduce import FrameRange
from farm.results.job import FinishedJob
from farm.results.measurements import findings_in, shown
from farm.results.status import frame_status
from farm.results.verify import look
from farm.store import Ledger, map_in_order

_SCORE = "clip_score"

Score = Callable[[Frame, FrameRow, Pixels], float | None]
"""Returns a frame's CLIP score, or None where there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipScores:
    """The scores of both jobs by `model`. Where it is empty there are none, and `why` says why."""

    model: str
    first: Score
    second: Score
    why: str = ""


def find_clip(pretrained: str, revision: str | None) -> ClipSpec:
    """Return the CLIP model that a user names.

    Raises:
        UsageError: when it is not there, or is no CLIP model.
    """
    try:
        source = find_source(pretrained, revision, Path(), holds="adapter")
        found = f"there is no checkpoint {pretrained!r}"
    except ModelError as error:
        source, found = None, str(error)
    spec = ClipSpec(source=source, groups=(), prompts=()) if source is not None else None
    misfit = scoring_model_mismatch(spec) if spec is not None else found
    if spec is None or misfit is not None:
        raise UsageError(
            f"--clip {pretrained}: {misfit}; needed: a CLIPModel: a hub id with its commit as --revision, a folder, or "
            "a shipped checkpoint, which farm models lists."
        )
    return spec


def scores_now(clip: ClipSpec) -> ClipScores:
    """Return scores that are measured when they are asked for.

    Raises:
        ModelError: when the model cannot be loaded.
    """
    analyzer = open_analyzer(AnalysisSpec(clip=clip, classifier=None, smoothness=False))

    def score(frame: Frame, row: FrameRow, pixels: Pixels) -> float | None:
        stretch = Stretch(frames=(shown(frame, row),), before=None, after=None)
        [values] = analyzer.measure(stretch, lambda _: pixels)
        return _number(values[_SCORE])

    return ClipScores(model=_named(clip.source.pretrained, clip.source.revision), first=score, second=score)


def scores_measured(first: FinishedJob, second: FinishedJob) -> ClipScores:
    """Return the scores that both jobs' analyses measured, if they did with one model.

    Raises:
        StorageError: when they cannot be read.
    """
    (one, its), (other, others) = map(_measured, (first, second))
    if one and one == other:
        return ClipScores(model=one, first=its, second=others)
    if one and other:
        why = f"the jobs were measured with two models, {one} and {other}"
    else:
        why = "not both jobs were measured with CLIP"
    return ClipScores(model="", first=_none, second=_none, why=f"{why}; --clip NAME measures now")


def _measured(job: FinishedJob) -> tuple[str, Score]:
    """Return the model that a job was measured with, empty for none, and its scores."""
    analysis = job.document.manifest.analysis
    planned = (
        row
        for row in Ledger(job.folder).rows(last=job.plan.frame_count - 1)
        if frame_status(job.folder, job.plan, row, depth="recipe", any_renderer=True) is FrameStatus.INTACT
    )
    found = findings_in(job.plan, job.folder, (shown(job.plan.frame(row.frame), row) for row in planned))
    if analysis is None or analysis.clip is None or found is None or _SCORE not in found.curves:
        return "", _none
    curve = found.curves[_SCORE]
    return _named(analysis.clip.pretrained, analysis.clip.revision), lambda frame, *_: _number(
        curve[frame.index]
    )


def _none(*_: object) -> None:
    return None


def _number(value: Value) -> float | None:
    return None if value is None else float(value)


def _named(pretrained: str, revision: str | None) -> str:
    return f"{pretrained} at {revision}" if revision else pretrained


_ALL, _PART = 0, 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A field of the manifest in which both jobs differ, and its values as JSON has them; None where it is not set."""

    field: str
    first: object
    second: object


def said(value: object, most: int) -> str:
    """Return a setting's value in at most so many letters; a dash where it is not set."""
    if value is None:
        return "-"
    if isinstance(value, str):
        text = value
    else:
        text = f"{value:g}" if isinstance(value, float) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= most else f"{text[: most - 3]}..."


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One of the jobs, in the frames that both have.

    `label` tells it from the other, `seconds_per_frame` is the median of its share of a model call, `clip_score` the
    mean of CLIP's similarity to the prompts shown (-1 to 1), `sharpness` the mean variance of the Laplacian in squared
    8-bit levels. `missing` are frames that it lacks, and why; `devices` what rendered the others.
    """

    label: str
    folder: str
    missing: tuple[FrameRange, ...]
    devices: tuple[str, ...]
    seconds_per_frame: float
    clip_score: float | None
    sharpness: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Distance:
    """How far the jobs' frames are apart; `frame` is where most."""

    mean: float
    max: float
    frame: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two jobs side by side: `compared` of `planned` frames are in both.

    `clip` is the model that scored, empty for none. `rgb` is the root mean square difference of colour values, of their
    range 0 to 1, `perceptual` (1 - SSIM) / 2, of 0 to 1; both None where sizes differ. `folder` holds the `files`.
    """

    first: Side
    second: Side
    planned: int
    compared: int
    settings: tuple[Setting, ...]
    clip: str
    rgb: Distance | None
    perceptual: Distance | None
    remarks: tuple[str, ...]
    folder: str
    files: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        """0 all frames compared; 3 some are not there in one of the jobs."""
        return _ALL if self.compared == self.planned else _PART


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A frame that is there, whole and of the recipe that the manifest has."""

    frame: Frame
    row: FrameRow
    pixels: Pixels


def frames_of(job: FinishedJob) -> Iterator[Kept | str]:
    """Yield every frame of a job in order: as it is kept, or why it is not.

    Raises:
        StorageError: when the ledger, or a remote store, cannot be read.
    """

    def kept(row: FrameRow) -> tuple[int, Kept | str]:
        status = frame_status(job.folder, job.plan, row, depth="file", any_renderer=True)
        if status is not FrameStatus.INTACT:
            return row.frame, str(status)
        held, pixels = look(job.folder, row)
        if pixels is None or held.file_sha256 != row.file_sha256:
            return row.frame, str(FrameStatus.ALTERED)
        return row.frame, Kept(frame=job.plan.frame(row.frame), row=row, pixels=pixels)

    rows = Ledger(job.folder).rows(last=job.plan.frame_count - 1)
    found = map_in_order(kept, rows, concurrency=job.folder.concurrent_reads)
    number, one = next(found, (-1, ""))
    for index in range(job.plan.frame_count):
        if index == number:
            yield one
            number, one = next(found, (-1, ""))
        else:
            yield str(FrameStatus.NOT_RENDERED)


class Measured:
    """One job, in the frames that both have."""

    def __init__(self, label: str, folder: str, score: Score) -> None:
        self._label, self._folder, self._score = label, folder, score
        self._missing: dict[int, str] = {}
        self._devices: dict[str, None] = {}
        self._seconds, self._sharpness, self._scores = array("d"), array("d"), array("d")
        self.rehearsed = False

    def take(self, kept: Kept) -> None:
        """Measure a frame that the other job has, too."""
        self._devices[kept.row.device] = None
        self._seconds.append(kept.row.render_seconds)
        self._sharpness.append(sharpness(kept.pixels))
        score = self._score(kept.frame, kept.row, kept.pixels)
        if score is not None:
            self._scores.append(score)
        self.rehearsed |= kept.row.pipeline == "procedural"

    def lack(self, frame: int, reason: str) -> None:
        """Note that a frame is not there."""
        self._missing[frame] = reason

    @property
    def scored(self) -> int:
        """How many of the frames have a CLIP score."""
        return len(self._scores)

    @property
    def side(self) -> Side:
        """What was found; a frame at least was measured."""
        return Side(
            label=self._label,
            folder=self._folder,
            missing=ranges_of(sorted(self._missing.items())),
            devices=tuple(sorted(self._devices)),
            seconds_per_frame=statistics.median(self._seconds),
            clip_score=statistics.fmean(self._scores) if self._scores else None,
            sharpness=statistics.fmean(self._sharpness),
        )


class Distances:
    """How far both jobs are apart, in the frames that both have."""

    def __init__(self) -> None:
        self.frames = array("q")
        self._apart = array("q")
        self._rgb, self._perceptual = array("d"), array("d")

    def take(self, frame: int, first: Pixels, second: Pixels) -> None:
        """Measure a frame in both jobs."""
        self.frames.append(frame)
        found = image_difference(first, second)
        if found is not None:
            self._apart.append(frame)
            self._rgb.append(found.rgb)
            self._perceptual.append(found.perceptual)

    @property
    def unlike(self) -> int:
        """How many frames are of another size in the other job."""
        return len(self.frames) - len(self._apart)

    @property
    def rgb(self) -> Distance | None:
        """The distance in colour values."""
        return self._distance(self._rgb)

    @property
    def perceptual(self) -> Distance | None:
        """The distance to an eye."""
        return self._distance(self._perceptual)

    def _distance(self, values: Sequence[float]) -> Distance | None:
        if not values:
            return None
        largest = max(values)
        return Distance(mean=statistics.fmean(values), max=largest, frame=self._apart[values.index(largest)])
