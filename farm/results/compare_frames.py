"""The measures of a comparison, frame by frame, in little memory per frame."""

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
from farm.records import AnalysisSpec, ClipSpec, Frame, FrameRow, FrameSequence, Pixels, Value
from farm.records.status import FrameStatus, ranges_of
from farm.reduce import FrameRange
from farm.results.job import FinishedJob
from farm.results.measurements import analyzed_frame, findings_in
from farm.results.status import frame_status
from farm.results.verify import read_frame_content
from farm.store import Ledger, map_in_order

_SCORE = "clip_score"

Score = Callable[[Frame, FrameRow, Pixels], float | None]
"""Returns the CLIP score of a frame, or None."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipScores:
    """The CLIP scores of both jobs. If `model` is empty there are none, and `why` gives the reason."""

    model: str
    first: Score
    second: Score
    why: str = ""


def find_clip(pretrained: str, revision: str | None) -> ClipSpec:
    """Return the CLIP model of a --clip option.

    Raises:
        UsageError: if it is missing or not a CLIP model.
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
    """Return scores that are measured on demand.

    Raises:
        ModelError: if the model cannot be loaded.
    """
    analyzer = open_analyzer(AnalysisSpec(clip=clip, classifier=None, smoothness=False))

    def score(frame: Frame, row: FrameRow, pixels: Pixels) -> float | None:
        sequence = FrameSequence(frames=(analyzed_frame(frame, row),), before=None, after=None)
        [values] = analyzer.measure(sequence, lambda _: pixels)
        return _number(values[_SCORE])

    return ClipScores(model=_named(clip.source.pretrained, clip.source.revision), first=score, second=score)


def scores_measured(first: FinishedJob, second: FinishedJob) -> ClipScores:
    """Return the scores from both jobs' analyses, if they used the same model.

    Raises:
        StorageError: if they cannot be read.
    """
    (one, its), (other, others) = map(_measured, (first, second))
    if one and one == other:
        return ClipScores(model=one, first=its, second=others)
    if one and other:
        why = f"the jobs were measured with different models, {one} and {other}"
    else:
        why = "the jobs were not both measured with CLIP"
    return ClipScores(model="", first=_none, second=_none, why=f"{why}; use --clip NAME to measure now")


def _measured(job: FinishedJob) -> tuple[str, Score]:
    """Return the CLIP model of a job's analysis (empty if none) and its scores."""
    analysis = job.document.manifest.analysis
    planned = (
        row
        for row in Ledger(job.folder).rows(last=job.plan.frame_count - 1)
        if frame_status(job.folder, job.plan, row, depth="recipe", any_renderer=True) is FrameStatus.INTACT
    )
    found = findings_in(
        job.plan, job.folder, (analyzed_frame(job.plan.frame(row.frame), row) for row in planned)
    )
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
class ChangedSetting:
    """A manifest field that differs between both jobs, and its JSON values; None if unset."""

    field: str
    first: object
    second: object


def format_setting(value: object, max_characters: int) -> str:
    """Return a setting's value in at most `max_characters`; a dash if unset."""
    if value is None:
        return "-"
    if isinstance(value, str):
        text = value
    else:
        text = f"{value:g}" if isinstance(value, float) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= max_characters else f"{text[: max_characters - 3]}..."


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """The measures of one job over the common frames.

    `label` distinguishes it from the other job. `seconds_per_frame` is the median time, `clip_score` the mean CLIP
    similarity to the prompts (-1 to 1), `sharpness` the mean variance of the Laplacian in squared 8-bit levels.
    `missing` are its missing frames with reasons, `devices` the devices that rendered the others.
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
    """The mean and maximum distance between corresponding frames; `frame` has the maximum."""

    mean: float
    max: float
    frame: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The result of a comparison: both jobs have `compared` of `planned` frames.

    `clip` is the scoring model, empty if none. `rgb` is the root mean square difference of colour values in 0 to 1,
    `perceptual` is (1 - SSIM) / 2, from 0 to 1; both are None if sizes differ. The `files` are in `folder`.
    """

    first: Side
    second: Side
    planned: int
    compared: int
    settings: tuple[ChangedSetting, ...]
    clip: str
    rgb: Distance | None
    perceptual: Distance | None
    remarks: tuple[str, ...]
    folder: str
    files: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        """0 if all frames were compared; 3 if some are missing in one of the jobs."""
        return _ALL if self.compared == self.planned else _PART


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedFrame:
    """An intact frame with the planned recipe, and its pixels."""

    frame: Frame
    row: FrameRow
    pixels: Pixels


def frames_of(job: FinishedJob) -> Iterator[LoadedFrame | str]:
    """Yield every frame of a job in order: loaded, or the reason why it is unavailable.

    Raises:
        StorageError: if the ledger or a remote store cannot be read.
    """

    def load(row: FrameRow) -> tuple[int, LoadedFrame | str]:
        status = frame_status(job.folder, job.plan, row, depth="file", any_renderer=True)
        if status is not FrameStatus.INTACT:
            return row.frame, str(status)
        content, pixels = read_frame_content(job.folder, row)
        if pixels is None or content.file_sha256 != row.file_sha256:
            return row.frame, str(FrameStatus.ALTERED)
        return row.frame, LoadedFrame(frame=job.plan.frame(row.frame), row=row, pixels=pixels)

    rows = Ledger(job.folder).rows(last=job.plan.frame_count - 1)
    found = map_in_order(load, rows, concurrency=job.folder.concurrent_reads)
    number, frame = next(found, (-1, ""))
    for index in range(job.plan.frame_count):
        if index == number:
            yield frame
            number, frame = next(found, (-1, ""))
        else:
            yield str(FrameStatus.NOT_RENDERED)


class JobMeasures:
    """Collects the measures of one job over the common frames."""

    def __init__(self, label: str, folder: str, score: Score) -> None:
        self._label, self._folder, self._score = label, folder, score
        self._missing: dict[int, str] = {}
        self._devices: dict[str, None] = {}
        self._seconds, self._sharpness, self._scores = array("d"), array("d"), array("d")
        self.is_rehearsal = False

    def add(self, loaded: LoadedFrame) -> None:
        """Measure a common frame."""
        self._devices[loaded.row.device] = None
        self._seconds.append(loaded.row.render_seconds)
        self._sharpness.append(sharpness(loaded.pixels))
        score = self._score(loaded.frame, loaded.row, loaded.pixels)
        if score is not None:
            self._scores.append(score)
        self.is_rehearsal |= loaded.row.pipeline == "procedural"

    def add_missing(self, frame: int, reason: str) -> None:
        """Record a missing frame."""
        self._missing[frame] = reason

    @property
    def scored(self) -> int:
        """The number of frames with a CLIP score."""
        return len(self._scores)

    @property
    def side(self) -> Side:
        """The measures; requires at least one measured frame."""
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
    """Collects the distances between common frames."""

    def __init__(self) -> None:
        self.frames = array("q")
        self._measured = array("q")
        self._rgb, self._perceptual = array("d"), array("d")

    def add(self, frame: int, first: Pixels, second: Pixels) -> None:
        """Measure a frame in both jobs."""
        self.frames.append(frame)
        found = image_difference(first, second)
        if found is not None:
            self._measured.append(frame)
            self._rgb.append(found.rgb)
            self._perceptual.append(found.perceptual)

    @property
    def size_mismatches(self) -> int:
        """The number of frames whose sizes differ."""
        return len(self.frames) - len(self._measured)

    @property
    def rgb(self) -> Distance | None:
        """The distance in colour values."""
        return self._distance(self._rgb)

    @property
    def perceptual(self) -> Distance | None:
        """The perceptual distance."""
        return self._distance(self._perceptual)

    def _distance(self, values: Sequence[float]) -> Distance | None:
        if not values:
            return None
        largest = max(values)
        return Distance(
            mean=statistics.fmean(values), max=largest, frame=self._measured[values.index(largest)]
        )
