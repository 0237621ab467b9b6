"""Verify a job: render its frames again in a temporary folder, and compare them with its files."""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from farm.errors import StorageError
from farm.events import ChunkDone, Event, EventHandler, FramesFailed, JobFinished, JobStarted
from farm.execute import Executor
from farm.plan import Plan
from farm.records import FrameRow, Pixels, Shard
from farm.records.status import FrameStatus
from farm.results.job import FinishedJob, promises_bits, render_again
from farm.results.status import frame_status
from farm.results.verify_frames import (
    Difference,
    EnvironmentChange,
    Evidence,
    FileContent,
    FrameFinding,
    Verdict,
    classify,
    staleness,
)
from farm.store import FolderLock, JobFolder, Ledger, content_sha256, decode_frame


def read_frame_content(folder: JobFolder, row: FrameRow) -> tuple[FileContent, Pixels | None]:
    """Return the current content of a frame's file, and its pixels if it is an image."""
    try:
        data = folder.read(row.file_name)
    except StorageError as error:
        return FileContent(problem=str(error)), None
    try:
        pixels = decode_frame(data, row.file_name)
    except StorageError:
        return FileContent(
            problem="its file is not a complete RGB PNG" if data else "its file is empty"
        ), None
    height, width, _ = pixels.shape
    content = FileContent(
        file_sha256=hashlib.sha256(data).hexdigest(),
        content_sha256=content_sha256(pixels),
        width=width,
        height=height,
    )
    return content, pixels


Chunks = list[int] | range


def sampled(plan: Plan, count: int | None) -> Chunks:
    """Return the chunks of `count` evenly spaced frames, including the first and the last; all chunks for None.

    A single frame is the first.
    """
    if count is None or count >= plan.frame_count:
        return range(plan.chunk_count)
    last, gaps = plan.frame_count - 1, max(1, count - 1)
    return sorted({round(number * last / gaps) // plan.batch_size for number in range(count)})


def rows_by_chunk(plan: Plan, ledger: Ledger, chunks: Chunks) -> Iterator[tuple[int, Mapping[int, FrameRow]]]:
    """Yield every chunk with the ledger rows of its frames. The ledger is read once for a range of chunks."""
    spans = [(chunks[0], chunks[-1])] if isinstance(chunks, range) else [(chunk, chunk) for chunk in chunks]
    for first, last in spans:
        rows = ledger.rows(plan.chunk_frames(first)[0], plan.chunk_frames(last)[-1])
        groups = itertools.groupby(rows, key=lambda row: row.frame // plan.batch_size)
        known = next(groups, None)
        for chunk in range(first, last + 1):
            if known is None or known[0] != chunk:
                yield chunk, {}
                continue
            yield chunk, {row.frame: row for row in known[1]}
            known = next(groups, None)


_IDENTICAL, _DIFFERENT, _INCOMPLETE, _INTERRUPTED = 0, 1, 3, 130
_BUFFERED = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """The findings for every checked frame, in order; the job has `planned` frames.

    `again` is the command that renders missing and changed frames again, or empty. `promised` says whether the job
    guarantees equal bits in the same environment. `seconds` is wall-clock time.
    """

    name: str
    folder: str
    planned: int
    findings: tuple[FrameFinding, ...]
    again: str
    promised: bool
    seconds: float
    interrupted: bool

    def count(self, *verdicts: Verdict) -> int:
        """Return the number of frames with one of these verdicts, or of all checked frames if none is given."""
        return sum(found.count for found in self.findings if not verdicts or found.verdict in verdicts)

    @property
    def compared(self) -> int:
        """The number of frames that exist with the planned recipe, and so could be compared."""
        return self.count(Verdict.IDENTICAL, Verdict.DIFFERS, Verdict.ALTERED)

    @property
    def changes(self) -> tuple[EnvironmentChange, ...]:
        """The distinct changes of environment among all frames."""
        found = {change for finding in self.findings for change in finding.changes}
        return tuple(sorted(found, key=lambda change: (change.key, change.recorded, change.now)))

    @property
    def is_identical(self) -> bool:
        """Whether frames were checked and all of them have the same bits as before."""
        return self.exit_code == _IDENTICAL

    @property
    def exit_code(self) -> int:
        """0 if all are identical; 1 if some differ or none could be compared; 130 if interrupted; 3 otherwise."""
        if self.interrupted:
            return _INTERRUPTED
        if not self.compared or self.count(Verdict.DIFFERS, Verdict.ALTERED):
            return _DIFFERENT
        return _IDENTICAL if self.count(Verdict.IDENTICAL) == self.count() else _INCOMPLETE


class FindingCollector:
    """Collects findings in any order, and merges equal findings of neighbours to save memory."""

    def __init__(self) -> None:
        self._found: list[FrameFinding] = []
        self._limit = _BUFFERED

    def add(self, finding: FrameFinding) -> None:
        """Add a finding."""
        self._found.append(finding)
        if len(self._found) > self._limit:
            self._found = _joined(self._found)
            self._limit = 2 * len(self._found) + _BUFFERED

    def sorted(self) -> tuple[FrameFinding, ...]:
        """Return all findings in the order of frames."""
        return tuple(_joined(self._found))


def _joined(findings: Iterable[FrameFinding]) -> list[FrameFinding]:
    joined: list[FrameFinding] = []
    for finding in sorted(findings, key=lambda finding: finding.first):
        both = joined[-1].joined(finding) if joined else None
        if both is None:
            joined.append(finding)
        else:
            joined[-1] = both
    return joined


def verify(
    job: FinishedJob, executor: Executor, on_event: EventHandler, *, sample: int | None = None
) -> Verification:
    """Verify the chunks of `sample` evenly spaced frames (all for None) and return the findings.

    A frame's pixels depend on its slot in its chunk, so complete chunks are rendered and compared. The executor is
    entered here, and exited before the temporary folder is removed. Frames, ledger and outputs are not changed.
    Ctrl-C ends the verification with the findings so far.

    Raises:
        StorageError: if the folder cannot be read or written, or a run holds it.
        ClusterError: if no worker can be started.
    """
    began, interrupted = time.monotonic(), False
    check = _Check(job, on_event)
    lock = FolderLock(job.folder).acquire()
    try:
        job.folder.sweep()
        with job.folder.scratch() as scratch:
            check.run(executor, sampled(job.plan, sample), scratch)
    except KeyboardInterrupt:
        interrupted = True
    finally:
        lock.release()
    on_event(JobFinished(job=job.plan.name, state="interrupted" if interrupted else "done"))
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
    """Classifies the frames of some chunks. Keeps the ledger rows, but no pixels, of frames being rendered again."""

    def __init__(self, job: FinishedJob, on_event: EventHandler) -> None:
        self.findings = FindingCollector()
        self._plan = job.plan
        self._folder = job.folder
        self._on_event = on_event
        self._waiting: dict[int, FrameRow] = {}

    def run(self, executor: Executor, chunks: Chunks, scratch: JobFolder) -> None:
        """Render the comparable frames into `scratch`."""
        shards = self._shards(chunks, scratch.url)
        first = next(shards, None)
        if first is None:
            return  # nothing to compare: start no worker
        with executor:
            count = sum(len(self._plan.chunk_frames(chunk)) for chunk in chunks)
            self._on_event(JobStarted(job=self._plan.name, frame_count=count, kept=0))
            events = executor.run(itertools.chain([first], shards))
            try:
                for event in events:
                    self._handle(event, scratch)
                    self._on_event(event)
            finally:
                events.close()  # type: ignore[attr-defined]  # executors' runs are generators
        assert not self._waiting, "an executor accounts for every frame"

    def _shards(self, chunks: Chunks, url: str) -> Iterator[Shard]:
        """Yield lazily a shard for each chunk that has comparable frames; classify the other frames."""
        plan = self._plan
        for chunk, rows in rows_by_chunk(plan, Ledger(self._folder), chunks):
            comparable = {frame: row for frame, row in rows.items() if self._comparable(row)}
            for frame in plan.chunk_frames(chunk):
                if frame not in comparable:
                    row = rows.get(frame)
                    stale = staleness(plan, row) if row else ""
                    self.findings.add(classify(Evidence(frame=frame, row=row, stale=stale)))
            if comparable:
                self._waiting |= comparable
                [shard] = plan.shards([chunk], chunks_per_shard=1, folder=url)
                yield _as_recorded(shard, list(comparable.values()))

    def _comparable(self, row: FrameRow) -> bool:
        return frame_status(self._folder, self._plan, row, depth="file") is FrameStatus.INTACT

    def _handle(self, event: Event, scratch: JobFolder) -> None:
        if isinstance(event, ChunkDone):
            for again in event.rows:
                self._compare(again, scratch)
                scratch.remove(again.file_name)
        elif isinstance(event, FramesFailed):
            for frame in event.frames:
                row = self._waiting.pop(frame, None)
                if row is not None:
                    content, _ = read_frame_content(self._folder, row)
                    evidence = Evidence(frame=frame, row=row, content=content, failure=event.reason)
                    self.findings.add(classify(evidence))

    def _compare(self, again: FrameRow, scratch: JobFolder) -> None:
        row = self._waiting.pop(again.frame, None)
        if row is None:
            return  # rendered only as part of its chunk
        content, pixels = read_frame_content(self._folder, row)
        difference = None
        if pixels is not None and content.content_sha256 != again.content_sha256:
            rendered = decode_frame(scratch.read(again.file_name), scratch.path(again.file_name))
            difference = Difference.between(pixels, rendered)
        evidence = Evidence(frame=again.frame, row=row, content=content, again=again, difference=difference)
        self.findings.add(classify(evidence))


def _as_recorded(shard: Shard, rows: list[FrameRow]) -> Shard:
    """Repeat the recorded call size, which affects the last bits, and accept frames that were blank before."""
    frames_per_call = min(row.frames_per_call for row in rows)
    return dataclasses.replace(
        shard,
        calls_per_chunk=shard.chunks[0].batch_size // frames_per_call,
        last_try=any(row.flaw for row in rows),
    )
