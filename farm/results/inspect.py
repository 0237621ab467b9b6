"""The state of a job in its folder, also while it runs: intact and missing frames, and measurements."""

from __future__ import annotations

import bisect
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from farm.analyze import Jump
from farm.records import AnalyzedFrame, Frame, FrameRow
from farm.records.status import FrameStatus, Ranges
from farm.reduce import EnvironmentShare, FrameRange
from farm.results.frame_notes import FrameNotes
from farm.results.job import FinishedJob, open_finished, refuse_too_long
from farm.results.measurements import Findings, analyzed_frame, findings_in, moves
from farm.results.status import JobState, frame_statuses, last_summary, state_of
from farm.store import lock_holder

_CHANGES = ("perceptual_change", "rgb_change")
"""Measures of change, the closest to perception first; the first one that was measured is plotted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeCurve:
    """The change from frame to frame: a measured column, with a value for every planned frame."""

    column: str
    label: str
    unit: str
    values: tuple[float | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """The state of a job.

    Of `planned` frames, `there` exist, `whole` are intact, and `failed` failed in the last run. `run` names the run
    that holds the folder, if any. `missing` are the frames that are not intact, with reasons. `sentences` are the
    insights, `jumps` the largest change by every measure. `unmeasured` is the number of intact frames without
    measurements, 0 if the job was not measured. `finished_at` is ISO 8601 in UTC, empty if unknown.
    """

    name: str
    folder: str
    kind: str
    state: JobState
    run: str
    error: str
    planned: int
    there: int
    whole: int
    failed: int
    missing: tuple[FrameRange, ...]
    remarks: tuple[FrameRange, ...]
    seconds: float | None
    finished_at: str
    environments: tuple[EnvironmentShare, ...]
    measured: bool
    unmeasured: int
    sentences: tuple[str, ...]
    jumps: tuple[Jump, ...]
    change: ChangeCurve | None


def inspect(url: str) -> Inspection:
    """Return the state of the job in the folder at `url`. Nothing is written, no model is loaded.

    Raises:
        UsageError: if it is not a job's folder, contains symbolic links, or has too many frames.
        ManifestError: if its manifest is invalid.
        StorageError: if a file cannot be read.
    """
    job = open_finished(url)
    refuse_too_long(job)
    run = lock_holder(job.folder)
    last = None if run else last_summary(job.folder)  # a running job may render its failed frames again
    missing = _Missing(last.failures if last else (), is_running=bool(run))
    counts, remarks = Counter[FrameStatus](), FrameNotes()
    intact = [analyzed_frame(frame, row) for frame, row in remarks.read(_intact(job, counts, missing))]
    findings = findings_in(job.plan, job.folder, intact)
    return Inspection(
        name=job.plan.name,
        folder=job.folder.path("").rstrip("/"),
        kind=job.plan.kind,
        state=state_of(run, last, lacks_frames=bool(missing.ranges)),
        run=run,
        error=last.error if last else "",
        planned=job.plan.frame_count,
        there=len(intact) + counts[FrameStatus.ALTERED],
        whole=len(intact),
        failed=missing.failed,
        missing=missing.ranges,
        remarks=remarks.ranges,
        seconds=last.seconds if last else None,
        finished_at=last.finished_at if last else "",
        environments=remarks.environments,
        measured=findings is not None,
        unmeasured=_unmeasured(findings, intact) if findings else 0,
        sentences=tuple(sentence.text for sentence in findings.insights.sentences) if findings else (),
        jumps=findings.insights.jumps if findings else (),
        change=_change(findings) if findings and moves(job.plan) else None,
    )


class _Missing:
    """Collects the frames that are not intact, in order, with the reasons of those that failed in the last run."""

    def __init__(self, failures: Sequence[FrameRange], *, is_running: bool) -> None:
        self.failed = 0
        self._not_rendered = "not rendered yet" if is_running else FrameStatus.NOT_RENDERED.value
        self._failures = sorted(failures, key=_first)
        self._ranges = Ranges()

    def add(self, frame: int, status: FrameStatus) -> None:
        """Add a frame that is not intact."""
        end = bisect.bisect_right(self._failures, frame, key=_first)
        failure = self._failures[end - 1] if end and self._failures[end - 1].last >= frame else None
        self.failed += failure is not None
        if status is not FrameStatus.NOT_RENDERED:
            self._ranges.add(frame, status.value)
        else:
            self._ranges.add(frame, failure.reason if failure else self._not_rendered)

    @property
    def ranges(self) -> tuple[FrameRange, ...]:
        """The added frames."""
        return self._ranges.ranges


def _intact(
    job: FinishedJob, counts: Counter[FrameStatus], missing: _Missing
) -> Iterator[tuple[Frame, FrameRow]]:
    """Yield the intact frames, count all frames by status, and add the others to `missing`."""
    for number, row, status in frame_statuses(job.folder, job.plan, any_renderer=True):
        counts[status] += 1
        if row is not None and status is FrameStatus.INTACT:
            yield job.plan.frame(number), row
        else:
            missing.add(number, status)


def _first(part: FrameRange) -> int:
    return part.first


def _unmeasured(findings: Findings, intact: Sequence[AnalyzedFrame]) -> int:
    """Count the intact frames without a value: frames are measured with their neighbours, again when those change."""
    return sum(all(curve[one.frame] is None for curve in findings.curves.values()) for one in intact)


def _change(findings: Findings) -> ChangeCurve | None:
    columns = {column.name: column for column in findings.columns}
    plotted = next((columns[name] for name in _CHANGES if name in columns), None)
    if plotted is None:
        return None
    values = tuple(value if isinstance(value, float) else None for value in findings.curves[plotted.name])
    return ChangeCurve(column=plotted.name, label=plotted.label, unit=plotted.unit, values=values)
