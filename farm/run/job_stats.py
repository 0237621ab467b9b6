"""What became of a job's frames, and the table and summary that tell of it."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator
from datetime import UTC, datetime

from farm.events import ChunkDone, FramesFailed, WorkerStarted
from farm.records import Frame, FrameRow
from farm.records.status import FrameStatus, ranges_of
from farm.reduce import (
    Artifact,
    FrameCounts,
    FrameRange,
    Summary,
    WorkerShare,
    installed_versions,
    write_table,
)
from farm.results import EXIT_CODES
from farm.results.frame_notes import Remarks
from farm.results.measurements import Findings, findings_of, header_of, measurements_of, shown
from farm.results.status import State, frame_status
from farm.run.prepare import Job
from farm.store import Ledger


class Tally:
    """Frames done, frames failed and why, and each worker's share."""

    def __init__(self) -> None:
        self.rendered = 0
        self.cached = 0
        self.failed: dict[int, str] = {}
        self._shares: dict[str, WorkerShare] = {}

    def meet(self, worker: WorkerStarted) -> None:
        """Note where a worker is; it need not render anything for this job."""
        self._shares.setdefault(
            worker.worker,
            WorkerShare(name=worker.worker, node=worker.node, device=worker.device, frames=0, seconds=0.0),
        )

    def add(self, chunk: ChunkDone) -> None:
        """Count a chunk's frames."""
        if not chunk.rows:
            return
        if chunk.rows[0].cached:
            self.cached += len(chunk.rows)
            return
        self.rendered += len(chunk.rows)
        first = chunk.rows[0]
        share = self._shares.get(chunk.worker) or WorkerShare(
            name=first.worker, node=first.node, device=first.device, frames=0, seconds=0.0
        )
        self._shares[chunk.worker] = dataclasses.replace(
            share,
            device=first.device,
            frames=share.frames + len(chunk.rows),
            seconds=round(share.seconds + chunk.seconds, 3),
        )

    def fail(self, failed: FramesFailed) -> None:
        """Note frames that were given up."""
        self.failed.update(dict.fromkeys(failed.frames, failed.reason))

    @property
    def workers(self) -> tuple[WorkerShare, ...]:
        """The workers that rendered frames of this job, by name."""
        return tuple(self._shares[name] for name in sorted(self._shares) if self._shares[name].frames)

    @property
    def failures(self) -> tuple[FrameRange, ...]:
        """Failed frames as ranges, each with its reason."""
        return ranges_of(sorted(self.failed.items()))


class Books:
    """Counts what comes in. Workers may be met before the job begins."""

    def __init__(self, job: Job) -> None:
        self.tally = Tally()
        self._job = job
        self._remarks = Remarks()
        self.begin()

    def begin(self, kept: int = 0) -> None:
        """Let the time run from here on; `kept` frames are there already."""
        self._kept = kept
        self._began = time.monotonic()
        self._started_at = _now()

    def take(self, event: ChunkDone | FramesFailed) -> None:
        """Note what became of some frames."""
        if isinstance(event, ChunkDone):
            self.tally.add(event)
        else:
            self.tally.fail(event)

    @property
    def there(self) -> int:
        """How many frames there are."""
        return self._kept + self.tally.cached + self.tally.rendered

    @property
    def complete(self) -> bool:
        """Whether every frame is there or given up."""
        return self.there + len(self.tally.failed) == self._job.plan.frame_count

    @property
    def state(self) -> State:
        """How the job has ended, if it ends with these frames."""
        if self.there == self._job.plan.frame_count:
            return "done"
        return "partial" if self.there else "failed"

    def write_table(self, findings: Findings | None = None) -> None:
        """Write the table of the frames that are there, with what was measured in them; without any, none.

        Raises:
            StorageError: when it cannot be written, or the ledger not be read.
        """
        if not self.there:
            return
        plan = self._job.plan
        header, self._remarks = header_of(plan, findings), Remarks()
        write_table(self._job.folder, header, self._remarks.read(_finished_frames(self._job)))

    def findings(self) -> Findings | None:
        """Return what was measured in the frames that are there; None where nothing is to be.

        Raises:
            StorageError: when the ledger, or what was measured, cannot be read.
        """
        if self._job.analysis is None:
            return None
        there = (shown(frame, row) for frame, row in _finished_frames(self._job))
        return findings_of(self._job.plan, measurements_of(self._job.folder, self._job.analysis), there)

    def summary(
        self,
        state: State,
        artifacts: tuple[Artifact, ...],
        error: str = "",
        findings: Findings | None = None,
    ) -> Summary:
        """Return the summary of a job that ends now."""
        plan = self._job.plan
        return Summary(
            name=plan.name,
            kind=plan.kind,
            state=state,
            exit_code=EXIT_CODES[state],
            error=error,
            frames=FrameCounts(
                planned=plan.frame_count,
                rendered=self.tally.rendered,
                cached=self.tally.cached,
                kept=self._kept,
                failed=len(self.tally.failed),
            ),
            failures=self.tally.failures,
            remarks=self._remarks.ranges,
            seconds=round(time.monotonic() - self._began, 3),
            started_at=self._started_at,
            finished_at=_now(),
            workers=self._remarks.workers or self.tally.workers,
            environments=self._remarks.environments,
            outputs=artifacts,
            versions=installed_versions(),
            analysis=dataclasses.asdict(findings.insights) if findings else None,
        )


def _finished_frames(job: Job) -> Iterator[tuple[Frame, FrameRow]]:
    """Yield every frame of the plan that exists with the recipe planned, in order, with its ledger row."""
    for row in Ledger(job.folder).rows(last=job.plan.frame_count - 1):
        if frame_status(job.folder, job.plan, row, depth="recipe") is FrameStatus.INTACT:
            yield job.plan.frame(row.frame), row


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")
