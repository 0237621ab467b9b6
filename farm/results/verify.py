"""Renders frames of a job again, in a folder apart, and compares them with what its files hold now."""

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
from farm.results.verify_frames import Change, Difference, Evidence, Finding, Held, Verdict, judge, staleness
from farm.store import FolderLock, JobFolder, Ledger, content_sha256, decode_frame


def look(folder: JobFolder, row: FrameRow) -> tuple[Held, Pixels | None]:
    """Return what a frame's file holds now, and its pixels where they are some."""
    try:
        data = folder.read(row.file_name)
    except StorageError as error:
        return Held(problem=str(error)), None
    try:
        pixels = decode_frame(data, row.file_name)
    except StorageError:
        return Held(problem="its file is no whole PNG in RGB" if data else "its file is empty"), None
    height, width, _ = pixels.shape
    held = Held(
        file_sha256=hashlib.sha256(data).hexdigest(),
        content_sha256=content_sha256(pixels),
        width=width,
        height=height,
    )
    return held, pixels


Chunks = list[int] | range


def sampled(plan: Plan, count: int | None) -> Chunks:
    """Return the chunks of `count` evenly spread frames, the first and the last among them; None for all chunks.

    A single frame is the first.
    """
    if count is None or count >= plan.frame_count:
        return range(plan.chunk_count)
    last, gaps = plan.frame_count - 1, max(1, count - 1)
    return sorted({round(number * last / gaps) // plan.batch_size for number in range(count)})


def rows_by_chunk(plan: Plan, ledger: Ledger, chunks: Chunks) -> Iterator[tuple[int, Mapping[int, FrameRow]]]:
    """Yield every chunk with the rows of its frames, by frame; a range is read from the ledger in one pass."""
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
_ROOM = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """The findings cover every frame that was checked, in order; `planned` frames there could be.

    `again` is the command that renders what is not as it should be, or empty; `promised` whether the job's frames
    have the same bits in the same environment; `seconds` wall-clock time.
    """

    name: str
    folder: str
    planned: int
    findings: tuple[Finding, ...]
    again: str
    promised: bool
    seconds: float
    interrupted: bool

    def count(self, *verdicts: Verdict) -> int:
        """How many frames have one of these verdicts; without any, how many were checked."""
        return sum(found.count for found in self.findings if not verdicts or found.verdict in verdicts)

    @property
    def compared(self) -> int:
        """How many frames the check says something of: they were there, and of the planned recipe."""
        return self.count(Verdict.IDENTICAL, Verdict.DIFFERS, Verdict.ALTERED)

    @property
    def changes(self) -> tuple[Change, ...]:
        """In what the circumstances of any frame were other than now, each once."""
        found = {change for finding in self.findings for change in finding.changes}
        return tuple(sorted(found, key=lambda change: (change.key, change.recorded, change.now)))

    @property
    def is_identical(self) -> bool:
        """Whether frames were checked and every one of them has the same bits as before."""
        return self.exit_code == _IDENTICAL

    @property
    def exit_code(self) -> int:
        """0 all identical; 1 some differ or were altered, or none could be compared; 3 else; 130 interrupted."""
        if self.interrupted:
            return _INTERRUPTED
        if not self.compared or self.count(Verdict.DIFFERS, Verdict.ALTERED):
            return _DIFFERENT
        return _IDENTICAL if self.count(Verdict.IDENTICAL) == self.count() else _INCOMPLETE


class Findings:
    """Collects verdicts in any order; neighbours of which the same is to be said take the room of one."""

    def __init__(self) -> None:
        self._found: list[Finding] = []
        self._room = _ROOM

    def add(self, finding: Finding) -> None:
        """Take one in."""
        self._found.append(finding)
        if len(self._found) > self._room:
            self._found = _joined(self._found)
            self._room = 2 * len(self._found) + _ROOM

    def sorted(self) -> tuple[Finding, ...]:
        """Return all, in the order of frames."""
        return tuple(_joined(self._found))


def _joined(findings: Iterable[Finding]) -> list[Finding]:
    joined: list[Finding] = []
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
    """Check the chunks of `sample` frames (None: all) and return what was found.

    A frame's pixels come about in its slot of its chunk only, so whole chunks are rendered, and all their frames
    compared. The executor is entered here, and left before the second rendering is removed. Frames, ledger and
    outputs are not touched. Ctrl-C ends the check with what it has found until then.

    Raises:
        StorageError: when the folder cannot be read or written, or a run holds it.
        ClusterError: when no worker can be started.
    """
    began, interrupted = time.monotonic(), False
    check = _Check(job, on_event)
    claim = FolderLock(job.folder).acquire()
    try:
        job.folder.sweep()
        with job.folder.scratch() as scratch:
            check.run(executor, sampled(job.plan, sample), scratch)
    except KeyboardInterrupt:
        interrupted = True
    finally:
        claim.release()
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
    """Judges the frames of some chunks; of those being rendered again it remembers the rows, and no pixels."""

    def __init__(self, job: FinishedJob, on_event: EventHandler) -> None:
        self.findings = Findings()
        self._plan = job.plan
        self._folder = job.folder
        self._on_event = on_event
        self._waiting: dict[int, FrameRow] = {}

    def run(self, executor: Executor, chunks: Chunks, scratch: JobFolder) -> None:
        """Render in `scratch` what can be compared."""
        shards = self._shards(chunks, scratch.url)
        first = next(shards, None)
        if first is None:
            return  # nothing to compare with: no worker is started for that
        with executor:
            count = sum(len(self._plan.chunk_frames(chunk)) for chunk in chunks)
            self._on_event(JobStarted(job=self._plan.name, frame_count=count, kept=0))
            events = executor.run(itertools.chain([first], shards))
            try:
                for event in events:
                    self._take(event, scratch)
                    self._on_event(event)
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
        return frame_status(self._folder, self._plan, row, depth="file") is FrameStatus.INTACT

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
