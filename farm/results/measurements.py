"""The measurements of a job's frames, and the insights drawn from them."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from farm.analyze import are_measurable, columns_of
from farm.canonical import digest
from farm.plan import Plan
from farm.records import AnalysisSpec, AnalyzedFrame, Column, Frame, FrameRow, FrameSequence, Value
from farm.store import JobFolder, Measurements, active_measurements

if TYPE_CHECKING:
    from farm.analyze import Insights
    from farm.reduce import TableHeader

LENGTH = 24
"""Maximum frames of a sequence. One starts at every multiple of it, so sequences depend on the frame index alone."""


def analyzed_frame(frame: Frame, row: FrameRow) -> AnalyzedFrame:
    """Return a finished frame with the prompts that it should show."""
    conditioning = frame.recipe.conditioning
    return AnalyzedFrame(
        frame=frame.index,
        file_name=row.file_name,
        content_sha256=row.content_sha256,
        prompts=conditioning.prompts,
        weights=conditioning.weights,
    )


def frame_sequences(frames: Iterable[AnalyzedFrame]) -> Iterator[FrameSequence]:
    """Yield sequences of consecutive frames, each as soon as the following frame is known. Frames must be in order."""
    before: AnalyzedFrame | None = None
    together: list[AnalyzedFrame] = []
    for one in frames:
        if together and not _continues(one, together):
            follows = one.frame == together[-1].frame + 1
            yield FrameSequence(frames=tuple(together), before=before, after=one if follows else None)
            before = together[-1] if follows else None
            together = []
        together.append(one)
    if together:
        yield FrameSequence(frames=tuple(together), before=before, after=None)


def _continues(one: AnalyzedFrame, together: list[AnalyzedFrame]) -> bool:
    return one.frame == together[-1].frame + 1 and one.frame // LENGTH == together[0].frame // LENGTH


_logger = logging.getLogger(__name__)

SEMANTICS = 2
"""Increment if the same analysis would measure other values."""

_MOVING = ("interpolate", "walk", "circle")

_OUTLIER = Column(name="outlier", kind="bool", description="whether both changes around the frame stand out")


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """The measured columns, `curves` with a value for every frame of the job, and the insights from them."""

    columns: tuple[Column, ...]
    curves: Mapping[str, Sequence[Value]]
    insights: Insights


def measurements_of(folder: JobFolder, spec: AnalysisSpec) -> Measurements:
    """Return the stored measurements of an analysis."""
    return Measurements(folder, digest({"semantics": SEMANTICS, "analysis": spec}), columns_of(spec))


def moves(plan: Plan) -> bool:
    """Return whether the frames form an animation rather than independent images."""
    return plan.kind in _MOVING


def findings_in(plan: Plan, folder: JobFolder, frames: Iterable[AnalyzedFrame]) -> Findings | None:
    """Return the active measurements of a finished job, as `findings_of`; None if it has none.

    Raises:
        StorageError: if they cannot be read.
    """
    measurements = active_measurements(folder)
    if measurements is not None and not are_measurable(measurements.columns):
        _logger.warning("%s: its measurements are from an unknown analysis and are ignored", folder.url)
        return None
    return None if measurements is None else findings_of(plan, measurements, frames)


def findings_of(plan: Plan, measurements: Measurements, frames: Iterable[AnalyzedFrame]) -> Findings:
    """Return the measurements of finished frames, in order.

    Values are None for frames that are missing or not measured yet.

    Raises:
        StorageError: if they cannot be read.
    """
    from farm.analyze import insights_of  # which imports numpy

    curves: dict[str, list[Value]] = {
        column.name: [None] * plan.frame_count for column in measurements.columns
    }
    measured = set[int]()
    for frame, values in _measured(measurements, frames):
        measured.add(frame)
        for name, value in values.items():
            curves[name][frame] = value
    insights = insights_of(measurements.columns, curves, moves=moves(plan))
    outliers = set(insights.outliers)
    curves[_OUTLIER.name] = [
        frame in outliers if frame in measured else None for frame in range(plan.frame_count)
    ]
    return Findings(columns=(*measurements.columns, _OUTLIER), curves=curves, insights=insights)


def header_of(plan: Plan, findings: Findings | None) -> TableHeader:
    """Return the metadata and measured columns of a job's table."""
    from farm.reduce import TableHeader

    if findings is None:
        return TableHeader(manifest_text=plan.manifest_text, kind=plan.kind)
    return TableHeader(
        manifest_text=plan.manifest_text,
        kind=plan.kind,
        columns=findings.columns,
        curves=findings.curves,
        insights=json.dumps(asdict(findings.insights)),
    )


def _measured(
    measurements: Measurements, frames: Iterable[AnalyzedFrame]
) -> Iterator[tuple[int, Mapping[str, Value]]]:
    for sequence in frame_sequences(frames):
        values = measurements.find(sequence)
        for one, its in zip(sequence.frames, values or (), strict=False):
            yield one.frame, its


def unmeasured_warnings(analysis: AnalysisSpec | None, folder: JobFolder) -> tuple[str, ...]:
    """Return a warning if a run would remove existing measurements.

    Raises:
        StorageError: if the folder cannot be read.
    """
    if analysis is not None or active_measurements(folder) is None:
        return ()
    return (
        f"{folder.path('').rstrip('/')}: its frames were measured, but this manifest has no analysis section: a run "
        "removes the measurements from its table and page. Copy the analysis section from the manifest.yaml in "
        "that folder, or run farm analyze again afterwards.",
    )
