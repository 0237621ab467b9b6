"""A job as it stands in its folder, also while it runs: what is there, what is not and why, and what was measured."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from farm.analyze import Jump
from farm.records import Frame, FrameRow, Shown
from farm.reduce import EnvironmentShare, FrameRange, Summary
from farm.run.finished.rendered import Rendered, read_rendered
from farm.run.finished.standing import Standing, standing_frames
from farm.run.finished.state import JobState, last_word, state_of
from farm.run.measure.findings import Findings, findings_in, moves
from farm.run.measure.stretches import shown
from farm.run.remarks import Remarks
from farm.run.tally import ranges_of
from farm.store import running_in

_CHANGES = ("perceptual_change", "rgb_change")
"""The first that was measured is drawn: what comes nearest to an eye."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
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
    change: Change | None


def inspect(url: str) -> Inspection:
    """Return the state of the job in the folder at `url`. Nothing is written, no model is loaded.

    Raises:
        UsageError: when it is not a job's folder, or parts of it are links.
        ManifestError: when its manifest was changed into one that is wrong.
        StorageError: when something cannot be read.
    """
    job = read_rendered(url)
    run = running_in(job.folder)
    last = None if run else last_word(job.folder)  # what it says of failures is being mended
    failed = _failed(last)
    missing: dict[int, str] = {}
    counts, remarks = Counter[Standing](), Remarks()
    whole = [shown(frame, row) for frame, row in remarks.read(_whole(job, counts, missing))]
    waits = "not rendered yet" if run else Standing.NOT_RENDERED.value
    for frame, reason in missing.items():
        if reason == Standing.NOT_RENDERED:
            missing[frame] = failed.get(frame, waits)
    findings = findings_in(job.plan, job.folder, whole)
    return Inspection(
        name=job.plan.name,
        folder=job.folder.path("").rstrip("/"),
        kind=job.plan.kind,
        state=state_of(run, last, lacks_frames=bool(missing)),
        run=run,
        error=last.error if last else "",
        planned=job.plan.frame_count,
        there=len(whole) + counts[Standing.ALTERED],
        whole=len(whole),
        failed=sum(frame in missing for frame in failed),
        missing=ranges_of(missing.items()),
        remarks=remarks.ranges,
        seconds=last.seconds if last else None,
        finished_at=last.finished_at if last else "",
        environments=remarks.environments,
        measured=findings is not None,
        unmeasured=_unmeasured(findings, whole) if findings else 0,
        sentences=tuple(sentence.text for sentence in findings.account.sentences) if findings else (),
        jumps=findings.account.jumps if findings else (),
        change=_change(findings) if findings and moves(job.plan) else None,
    )


def _whole(
    job: Rendered, counts: Counter[Standing], missing: dict[int, str]
) -> Iterator[tuple[Frame, FrameRow]]:
    """Yield the frames that are whole, count all by their standing, and say of the others why they are missing."""
    for number, row, standing in standing_frames(job.folder, job.plan):
        counts[standing] += 1
        if row is not None and standing is Standing.WHOLE:
            yield job.plan.frame(number), row
        else:
            missing[number] = standing.value


def _failed(last: Summary | None) -> dict[int, str]:
    """Return the frames that the last run gave up, and why."""
    failures = last.failures if last else ()
    return {frame: part.reason for part in failures for frame in range(part.first, part.last + 1)}


def _unmeasured(findings: Findings, whole: Sequence[Shown]) -> int:
    """Count the frames without a value: frames are measured beside their neighbours, and anew when those changed."""
    return sum(all(curve[one.frame] is None for curve in findings.curves.values()) for one in whole)


def _change(findings: Findings) -> Change | None:
    columns = {column.name: column for column in findings.columns}
    drawn = next((columns[name] for name in _CHANGES if name in columns), None)
    if drawn is None:
        return None
    values = tuple(value if isinstance(value, float) else None for value in findings.curves[drawn.name])
    return Change(column=drawn.name, label=drawn.label, unit=drawn.unit, values=values)
