"""The progress of a job: outcomes of its frames, its table and its summary."""

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
from farm.results.frame_notes import FrameNotes
from farm.results.measurements import Findings, analyzed_frame, findings_of, header_of, measurements_of
from farm.results.status import State, frame_status
from farm.run.prepare import Job
from farm.store import Ledger


class FrameOutcomes:
    """Counts of finished frames, the reasons of failed ones, and the share of each worker."""

    def __init__(self) -> None:
        self.rendered = 0
        self.cached = 0
        self.failed: dict[int, str] = {}
        self._shares: dict[str, WorkerShare] = {}

    def worker_started(self, worker: WorkerStarted) -> None:
        """Record a worker's node and device, even if it never renders a frame of this job."""
        self._shares.setdefault(
            worker.worker,
            WorkerShare(name=worker.worker, node=worker.node, device=worker.device, frames=0, seconds=0.0),
        )

    def chunk_done(self, chunk: ChunkDone) -> None:
        """Count the frames of a finished chunk."""
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

    def frames_failed(self, failed: FramesFailed) -> None:
        """Record frames that failed finally."""
        self.failed.update(dict.fromkeys(failed.frames, failed.reason))

    @property
    def workers(self) -> tuple[WorkerShare, ...]:
        """The workers that rendered frames of this job, sorted by name."""
        return tuple(self._shares[name] for name in sorted(self._shares) if self._shares[name].frames)

    @property
    def failures(self) -> tuple[FrameRange, ...]:
        """Failed frames as ranges, each with its reason."""
        return ranges_of(sorted(self.failed.items()))


class JobProgress:
    """Collects the outcomes of a job's frames. Workers may start before the job does."""

    def __init__(self, job: Job) -> None:
        self.outcomes = FrameOutcomes()
        self._job = job
        self._notes = FrameNotes()
        self.start()

    def start(self, kept: int = 0) -> None:
        """Start the clock; `kept` frames exist from earlier runs."""
        self._kept = kept
        self._began = time.monotonic()
        self._started_at = _now()

    def record_outcome(self, event: ChunkDone | FramesFailed) -> None:
        """Record finished or failed frames."""
        if isinstance(event, ChunkDone):
            self.outcomes.chunk_done(event)
        else:
            self.outcomes.frames_failed(event)

    @property
    def finished(self) -> int:
        """The number of finished frames."""
        return self._kept + self.outcomes.cached + self.outcomes.rendered

    @property
    def is_complete(self) -> bool:
        """Whether every frame is finished or has failed finally."""
        return self.finished + len(self.outcomes.failed) == self._job.plan.frame_count

    @property
    def state(self) -> State:
        """The state of the job if it ends with these frames."""
        if self.finished == self._job.plan.frame_count:
            return "done"
        return "partial" if self.finished else "failed"

    def write_table(self, findings: Findings | None = None) -> None:
        """Write the table of the finished frames and their measurements, unless there are no frames.

        Raises:
            StorageError: if it cannot be written, or the ledger cannot be read.
        """
        if not self.finished:
            return
        plan = self._job.plan
        header, self._notes = header_of(plan, findings), FrameNotes()
        write_table(self._job.folder, header, self._notes.read(_finished_frames(self._job)))

    def findings(self) -> Findings | None:
        """Return the measurements of the finished frames; None if the manifest has no analysis.

        Raises:
            StorageError: if the ledger or the measurements cannot be read.
        """
        if self._job.analysis is None:
            return None
        finished = (analyzed_frame(frame, row) for frame, row in _finished_frames(self._job))
        return findings_of(self._job.plan, measurements_of(self._job.folder, self._job.analysis), finished)

    def summary(
        self,
        state: State,
        artifacts: tuple[Artifact, ...],
        error: str = "",
        findings: Findings | None = None,
    ) -> Summary:
        """Return the summary of the job as of now."""
        plan = self._job.plan
        return Summary(
            name=plan.name,
            kind=plan.kind,
            state=state,
            exit_code=EXIT_CODES[state],
            error=error,
            frames=FrameCounts(
                planned=plan.frame_count,
                rendered=self.outcomes.rendered,
                cached=self.outcomes.cached,
                kept=self._kept,
                failed=len(self.outcomes.failed),
            ),
            failures=self.outcomes.failures,
            remarks=self._notes.ranges,
            seconds=round(time.monotonic() - self._began, 3),
            started_at=self._started_at,
            finished_at=_now(),
            workers=self._notes.workers or self.outcomes.workers,
            environments=self._notes.environments,
            outputs=artifacts,
            versions=installed_versions(),
            analysis=dataclasses.asdict(findings.insights) if findings else None,
        )


def _finished_frames(job: Job) -> Iterator[tuple[Frame, FrameRow]]:
    """Yield every recorded frame that has the planned recipe, in order, with its ledger row."""
    for row in Ledger(job.folder).rows(last=job.plan.frame_count - 1):
        if frame_status(job.folder, job.plan, row, depth="recipe") is FrameStatus.INTACT:
            yield job.plan.frame(row.frame), row


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")
