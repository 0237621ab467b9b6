"""A pilot: a few frames of a job, rendered and measured first to choose its alphas."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Mapping, Sequence

from farm.analyze import measure
from farm.errors import RenderError, StorageError
from farm.events import EventHandler, FramesFailed, JobFinished, JobStarted
from farm.execute import Executor
from farm.plan.pacing import Alphas, even_alphas, refined_alphas
from farm.records import AnalyzedFrame, FrameSequence, Value, Values
from farm.records.status import FrameStatus, RenderReason
from farm.results.measurements import analyzed_frame
from farm.results.status import frame_status
from farm.run.pacing import Pacing
from farm.run.prepare import Job
from farm.store import FolderLock, JobFolder, Ledger, symlink_in

_FOLDER = ".farm/pilot"


def paced(job: Job, executor: Executor, on_event: EventHandler) -> Job:
    """Return the job with chosen alphas; unchanged if it needs no pilot or has its alphas already.

    The executor must be entered. The pilot renders into a folder of its own, so that a killed pilot can resume.

    Raises:
        StorageError: if the folder cannot be read or written, or another run holds it.
        FarmError: if the pilot's frames cannot be rendered or measured.
    """
    pacing = job.pacing
    if pacing is None or pacing.is_known:
        return job
    lock = FolderLock(job.folder).acquire()
    try:
        job.folder.sweep()
        alphas, tried = _Pilot(job, pacing, executor, on_event).choose()
        lock.renew()
        pacing.save(job.folder, alphas, tried)
    finally:
        lock.release()
    return dataclasses.replace(
        job, plan=pacing.plan_of(alphas), pacing=dataclasses.replace(pacing, known=alphas)
    )


class _Pilot:
    """Renders more and more alphas. Frame k has the k-th alpha tried, so that rendered frames stay valid."""

    def __init__(self, job: Job, pacing: Pacing, executor: Executor, on_event: EventHandler) -> None:
        self._pacing, self._executor, self._on_event = pacing, executor, on_event
        self._name = f"{job.plan.name} (pilot)"
        self._folder = JobFolder(job.folder.path(_FOLDER))
        self._rendered = 0
        self._failed: dict[int, str] = {}
        self._changes: dict[tuple[float, float], float] = {}

    def choose(self) -> tuple[Alphas, Sequence[tuple[float, float]]]:
        """Return the chosen alphas, and the rendered ones in order, each with the change from the previous one."""
        pacing = self._pacing
        found = symlink_in(self._folder)
        if found is not None:
            raise StorageError(f"{found}; a job's folder must not contain links: remove it.")
        Ledger(self._folder).remove_parts(self._is_other_chunk)
        tried: Alphas = ()
        batch = pacing.first
        while batch:
            tried += batch
            alphas, changes = self._changes_between(tried)
            candidates = refined_alphas(
                alphas,
                changes,
                frames=pacing.frames,
                limit=min(pacing.refinement_size, pacing.frames - len(tried)),
                batch_size=pacing.batch_size,
            )
            batch = tuple(alpha for alpha in candidates if alpha not in tried)
        self._on_event(JobFinished(job=self._name, state="done"))
        chosen = even_alphas(alphas, changes, prompts=pacing.prompts, frames=pacing.frames)
        return chosen, list(zip(alphas, (0.0, *changes), strict=True))

    def _changes_between(self, tried: Alphas) -> tuple[list[float], list[float]]:
        """Render the missing frames; return the alphas of all finished frames, ascending, and the changes between."""
        plan = dataclasses.replace(self._pacing.plan_of(tried), name=self._name)
        self._render(Job(plan=plan, folder=self._folder))
        finished = {
            tried[row.frame]: analyzed_frame(plan.frame(row.frame), row)
            for row in Ledger(self._folder).rows(last=plan.frame_count - 1)
            if row.frame not in self._failed
            and frame_status(self._folder, plan, row, depth="recipe") is FrameStatus.INTACT
        }
        if len(finished) < 2:
            raise RenderError(
                f"fewer than two pilot frames were rendered: {next(iter(self._failed.values()))}"
            )
        alphas = sorted(finished)
        self._measure(alphas, finished)
        return alphas, [self._changes[pair] for pair in itertools.pairwise(alphas)]

    def _render(self, pilot: Job) -> None:
        ranges = pilot.remaining()
        if not self._rendered:
            kept = sum(part.count for part in ranges if part.reason is RenderReason.KEPT)
            self._on_event(JobStarted(job=self._name, frame_count=self._pacing.frames, kept=kept))
        chunks = [
            chunk for chunk in pilot.to_render(ranges) if pilot.plan.chunk_frames(chunk).stop > self._rendered
        ]
        self._rendered = pilot.plan.frame_count
        if not chunks:
            return
        events = self._executor.run(pilot.plan.shards(chunks, chunks_per_shard=1, folder=self._folder.url))
        try:
            for event in events:
                self._on_event(event)
                if isinstance(event, FramesFailed):
                    self._failed |= dict.fromkeys(event.frames, event.reason)
        finally:
            events.close()  # type: ignore[attr-defined]  # executors' runs are generators

    def _measure(self, alphas: list[float], finished: Mapping[float, AnalyzedFrame]) -> None:
        """Measure the changes between new neighbours."""
        unknown = itertools.groupby(itertools.pairwise(alphas), key=lambda pair: pair not in self._changes)
        for pairs in [list(pairs) for is_new, pairs in unknown if is_new]:
            frames = (finished[pairs[0][0]], *(finished[high] for _, high in pairs))
            sequence = FrameSequence(frames=frames, before=None, after=None)
            values = self._executor.background(measure, self._pacing.measure, self._folder.url, sequence)
            self._changes |= zip(pairs, map(self._change, values[1:]), strict=True)

    def _change(self, values: Values) -> float:
        """Return the change from the previous frame, in an additive measure.

        perceptual: the root of 1 - SSIM, for small changes the metric sqrt(2 - S1 - S2) of Brunet, Vrscay and Wang
        (2012, doi:10.1109/TIP.2011.2173206), while 1 - SSIM grows with their square. clip: the angle in radians.
        """
        if self._pacing.kind == "clip":
            return math.acos(max(-1.0, 1 - _number(values["clip_change"])))
        return math.sqrt(2 * _number(values["perceptual_change"]))

    def _is_other_chunk(self, first: int, last: int) -> bool:
        """Return whether a ledger part is not a chunk of this pilot: its batch size or frame count differs."""
        size, end = self._pacing.batch_size, self._pacing.frames
        return first % size != 0 or last != min(first + size, end) - 1


def _number(value: Value) -> float:
    """Return a measured value; an unmeasurable one, such as of a blank image, counts as no change."""
    return max(0.0, float(value)) if isinstance(value, float) else 0.0
