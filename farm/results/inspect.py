"""A job as it stands in its folder, also while it runs: what is there, what is not and why, and what was measured."""

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
from farm.results.measurements import Findings, findings_in, moves, shown
from farm.results.status import JobState, frame_statuses, last_summary, state_of
from farm.store import lock_holder

_CHANGES = ("perceptual_change", "rgb_change")
"""The first that was measured is drawn: what comes nearest to an eye."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeCurve:
    """How much changes from frame to frame: a measured column, with a value for every planned frame."""

    column: str
    label: str
    unit: str
    values: tuple[float | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """A job's state.

    Of `planned` frames `there` have a file, `whole` are as they were written; `failed` were given up. `run` names the
    run that holds the folder, if any. `missing` are the frames that are not whole, and why. `sentences` are what was
    measured, in words, `jumps` the largest change by every measure; `unmeasured` whole frames count as not measured,
    where frames are. Times of day are ISO 8601 in UTC, empty where there is none.
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
        UsageError: when it is not a job's folder, parts of it are links, or it has too many frames.
        ManifestError: when its manifest was changed into one that is wrong.
        StorageError: when something cannot be read.
    """
    job = open_finished(url)
    refuse_too_long(job)
    run = lock_holder(job.folder)
    last = None if run else last_summary(job.folder)  # what it says of failures is being mended
    missing = _Missing(last.failures if last else (), is_running=bool(run))
    counts, remarks = Counter[FrameStatus](), FrameNotes()
    whole = [shown(frame, row) for frame, row in remarks.read(_whole(job, counts, missing))]
    findings = findings_in(job.plan, job.folder, whole)
    return Inspection(
        name=job.plan.name,
        folder=job.folder.path("").rstrip("/"),
        kind=job.plan.kind,
        state=state_of(run, last, lacks_frames=bool(missing.ranges)),
        run=run,
        error=last.error if last else "",
        planned=job.plan.frame_count,
        there=len(whole) + counts[FrameStatus.ALTERED],
        whole=len(whole),
        failed=missing.failed,
        missing=missing.ranges,
        remarks=remarks.ranges,
        seconds=last.seconds if last else None,
        finished_at=last.finished_at if last else "",
        environments=remarks.environments,
        measured=findings is not None,
        unmeasured=_unmeasured(findings, whole) if findings else 0,
        sentences=tuple(sentence.text for sentence in findings.insights.sentences) if findings else (),
        jumps=findings.insights.jumps if findings else (),
        change=_change(findings) if findings and moves(job.plan) else None,
    )


class _Missing:
    """Gathers the frames that are not whole, in order, with the reasons of those that the last run gave up."""

    def __init__(self, failures: Sequence[FrameRange], *, is_running: bool) -> None:
        self.failed = 0
        self._waits = "not rendered yet" if is_running else FrameStatus.NOT_RENDERED.value
        self._failures = sorted(failures, key=_first)
        self._ranges = Ranges()

    def add(self, frame: int, status: FrameStatus) -> None:
        """Note a frame that is not whole."""
        place = bisect.bisect_right(self._failures, frame, key=_first)
        failure = self._failures[place - 1] if place and self._failures[place - 1].last >= frame else None
        self.failed += failure is not None
        if status is not FrameStatus.NOT_RENDERED:
            self._ranges.add(frame, status.value)
        else:
            self._ranges.add(frame, failure.reason if failure else self._waits)

    @property
    def ranges(self) -> tuple[FrameRange, ...]:
        """Those that were added."""
        return self._ranges.ranges


def _whole(
    job: FinishedJob, counts: Counter[FrameStatus], missing: _Missing
) -> Iterator[tuple[Frame, FrameRow]]:
    """Yield the frames that are whole, count all by their status, and say of the others why they are missing."""
    for number, row, status in frame_statuses(job.folder, job.plan, any_renderer=True):
        counts[status] += 1
        if row is not None and status is FrameStatus.INTACT:
            yield job.plan.frame(number), row
        else:
            missing.add(number, status)


def _first(part: FrameRange) -> int:
    return part.first


def _unmeasured(findings: Findings, whole: Sequence[AnalyzedFrame]) -> int:
    """Count the frames without a value: frames are measured beside their neighbours, and anew when those changed."""
    return sum(all(curve[one.frame] is None for curve in findings.curves.values()) for one in whole)


def _change(findings: Findings) -> ChangeCurve | None:
    columns = {column.name: column for column in findings.columns}
    drawn = next((columns[name] for name in _CHANGES if name in columns), None)
    if drawn is None:
        return None
    values = tuple(value if isinstance(value, float) else None for value in findings.curves[drawn.name])
    return ChangeCurve(column=drawn.name, label=drawn.label, unit=drawn.unit, values=values)
