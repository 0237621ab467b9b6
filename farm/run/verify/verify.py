"""Renders frames of a job again, in a folder apart, and compares them with what its files hold now."""

from __future__ import annotations

import dataclasses
import itertools
import time
from collections.abc import Callable, Iterator

from farm.events import ChunkDone, Event, FramesFailed, JobFinished, JobStarted
from farm.execute import Executor
from farm.records import FrameRow, Shard
from farm.run.finished.read_job import promises_bits, render_again
from farm.run.prepare import Job
from farm.run.verify.comparison import Evidence, judge, staleness
from farm.run.verify.difference import Difference
from farm.run.verify.held import look
from farm.run.verify.sampling import Chunks, rows_by_chunk, sampled
from farm.run.verify.verification import Findings, Verification
from farm.store import FolderLock, JobFolder, Ledger, decode_frame

Tell = Callable[[Event], None]


def verify(job: Job, executor: Executor, tell: Tell, *, sample: int | None = None) -> Verification:
    """Check the chunks of `sample` frames (None: all) and return what was found.

    A frame's pixels come about in its slot of its chunk only, so whole chunks are rendered, and all their frames
    compared. The executor is entered here, and left before the second rendering is removed. Frames, ledger and
    outputs are not touched. Ctrl-C ends the check with what it has found until then.

    Raises:
        StorageError: when the folder cannot be read or written, or a run holds it.
        ClusterError: when no worker can be started.
    """
    began, interrupted = time.monotonic(), False
    check = _Check(job, tell)
    claim = FolderLock(job.folder).acquire()
    try:
        job.folder.sweep()
        with job.folder.scratch() as scratch:
            check.run(executor, sampled(job.plan, sample), scratch)
    except KeyboardInterrupt:
        interrupted = True
    finally:
        claim.release()
    tell(JobFinished(job=job.plan.name, state="interrupted" if interrupted else "done"))
    return Verification(
        name=job.plan.name,
        folder=job.folder.path("").rstrip("/"),
        planned=job.plan.frame_count,
        findings=check.findings.sorted(),
        again=render_again(job),
        promised=promises_bits(job),
        seconds=round(time.monotonic() - began, 3),
        interrupted=interrupted,
    )


class _Check:
    """Judges the frames of some chunks; of those being rendered again it remembers the rows, and no pixels."""

    def __init__(self, job: Job, tell: Tell) -> None:
        self.findings = Findings()
        self._plan = job.plan
        self._folder = job.folder
        self._tell = tell
        self._waiting: dict[int, FrameRow] = {}

    def run(self, executor: Executor, chunks: Chunks, scratch: JobFolder) -> None:
        """Render in `scratch` what can be compared."""
        shards = self._shards(chunks, scratch.url)
        first = next(shards, None)
        if first is None:
            return  # nothing to compare with: no worker is started for that
        with executor:
            count = sum(len(self._plan.chunk_frames(chunk)) for chunk in chunks)
            self._tell(JobStarted(job=self._plan.name, frame_count=count, kept=0))
            events = executor.run(itertools.chain([first], shards))
            try:
                for event in events:
                    self._take(event, scratch)
                    self._tell(event)
            finally:
                events.close()  # type: ignore[attr-defined]  # executors' runs are generators
        assert not self._waiting, "an executor accounts for every frame"

    def _shards(self, chunks: Chunks, url: str) -> Iterator[Shard]:
        """Yield a shard per chunk with a frame that can be compared, as it is asked for; judge other frames."""
        plan = self._plan
        for chunk, rows in rows_by_chunk(plan, Ledger(self._folder), chunks):
            there = {frame: row for frame, row in rows.items() if self._comparable(row)}
            for frame in plan.chunk_frames(chunk):
                if frame not in there:
                    row = rows.get(frame)
                    stale = staleness(plan, row) if row else ""
                    self.findings.add(judge(Evidence(frame=frame, row=row, stale=stale)))
            if there:
                self._waiting |= there
                [shard] = plan.shards([chunk], chunks_per_shard=1, folder=url)
                yield _as_then(shard, list(there.values()))

    def _comparable(self, row: FrameRow) -> bool:
        return not staleness(self._plan, row) and self._folder.exists(row.file_name)

    def _take(self, event: Event, scratch: JobFolder) -> None:
        if isinstance(event, ChunkDone):
            for again in event.rows:
                self._compare(again, scratch)
                scratch.remove(again.file_name)
        elif isinstance(event, FramesFailed):
            for frame in event.frames:
                row = self._waiting.pop(frame, None)
                if row is not None:
                    held, _ = look(self._folder, row)
                    evidence = Evidence(frame=frame, row=row, held=held, failure=event.reason)
                    self.findings.add(judge(evidence))

    def _compare(self, again: FrameRow, scratch: JobFolder) -> None:
        row = self._waiting.pop(again.frame, None)
        if row is None:
            return  # rendered for its neighbours' sake
        held, pixels = look(self._folder, row)
        difference = None
        if pixels is not None and held.content_sha256 != again.content_sha256:
            rendered = decode_frame(scratch.read(again.file_name), scratch.path(again.file_name))
            difference = Difference.between(pixels, rendered)
        evidence = Evidence(frame=again.frame, row=row, held=held, again=again, difference=difference)
        self.findings.add(judge(evidence))


def _as_then(shard: Shard, rows: list[FrameRow]) -> Shard:
    """Ask for model calls as small as then, since others may have other last bits, and for what was blank then."""
    frames_per_call = min(row.frames_per_call for row in rows)
    return dataclasses.replace(
        shard,
        calls_per_chunk=shard.chunks[0].batch_size // frames_per_call,
        last_try=any(row.flaw for row in rows),
    )
