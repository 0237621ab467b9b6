"""A pilot: few frames of a job, rendered and measured before it, by which its alphas are chosen."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Callable, Mapping, Sequence

from farm.analyze import measure
from farm.errors import RenderError, StorageError
from farm.events import Event, FramesFailed, JobFinished, JobStarted
from farm.execute import Executor
from farm.plan.pacing import Alphas, closer_look, even_alphas
from farm.records import AnalyzedFrame, Stretch, Value, Values
from farm.records.status import FrameStatus, RenderReason
from farm.results.measurements import shown
from farm.results.status import frame_status
from farm.run.pacing import Pacing
from farm.run.prepare import Job
from farm.store import FolderLock, JobFolder, Ledger, symlink_in

Tell = Callable[[Event], None]

_FOLDER = ".farm/pilot"


def paced(job: Job, executor: Executor, tell: Tell) -> Job:
    """Return the job with its alphas chosen; as it is where they need not be, or were before.

    The executor is entered. What the pilot renders lies in a folder of its own, so that one that was killed goes on.

    Raises:
        StorageError: when the folder cannot be read or written, or another run holds it.
        FarmError: when the pilot's frames cannot be rendered or measured.
    """
    pacing = job.pacing
    if pacing is None or pacing.is_known:
        return job
    claim = FolderLock(job.folder).acquire()
    try:
        job.folder.sweep()
        alphas, seen = _Pilot(job, pacing, executor, tell).choose()
        claim.renew()
        pacing.note(job.folder, alphas, seen)
    finally:
        claim.release()
    return dataclasses.replace(
        job, plan=pacing.plan_of(alphas), pacing=dataclasses.replace(pacing, known=alphas)
    )


class _Pilot:
    """Looks at more and more alphas. Frame k is the k-th that was looked at, so that what is there stays as it is."""

    def __init__(self, job: Job, pacing: Pacing, executor: Executor, tell: Tell) -> None:
        self._pacing, self._executor, self._tell = pacing, executor, tell
        self._name = f"{job.plan.name} (pilot)"
        self._folder = JobFolder(job.folder.path(_FOLDER))
        self._tried = 0
        self._failed: dict[int, str] = {}
        self._changes: dict[tuple[float, float], float] = {}

    def choose(self) -> tuple[Alphas, Sequence[tuple[float, float]]]:
        """Return the alphas of the job, and those looked at, in order, with what changed since the one before."""
        pacing = self._pacing
        found = symlink_in(self._folder)
        if found is not None:
            raise StorageError(f"{found}; a job's own folders are never links: remove it.")
        Ledger(self._folder).remove_parts(self._is_cut_otherwise)
        looked: Alphas = ()
        closer = pacing.first
        while closer:
            looked += closer
            alphas, changes = self._look(looked)
            nearer = closer_look(
                alphas,
                changes,
                frames=pacing.frames,
                most=min(pacing.closer, pacing.frames - len(looked)),
                together=pacing.batch_size,
            )
            closer = tuple(alpha for alpha in nearer if alpha not in looked)
        self._tell(JobFinished(job=self._name, state="done"))
        chosen = even_alphas(alphas, changes, prompts=pacing.prompts, frames=pacing.frames)
        return chosen, list(zip(alphas, (0.0, *changes), strict=True))

    def _look(self, looked: Alphas) -> tuple[list[float], list[float]]:
        """Render what is not there yet; return the alphas of the frames that are, rising, and the changes between."""
        plan = dataclasses.replace(self._pacing.plan_of(looked), name=self._name)
        self._render(Job(plan=plan, folder=self._folder))
        there = {
            looked[row.frame]: shown(plan.frame(row.frame), row)
            for row in Ledger(self._folder).rows(last=plan.frame_count - 1)
            if row.frame not in self._failed
            and frame_status(self._folder, plan, row, depth="recipe") is FrameStatus.INTACT
        }
        if len(there) < 2:
            raise RenderError(f"no frame of the pilot: {next(iter(self._failed.values()))}")
        alphas = sorted(there)
        self._measure(alphas, there)
        return alphas, [self._changes[pair] for pair in itertools.pairwise(alphas)]

    def _render(self, pilot: Job) -> None:
        ranges = pilot.remaining()
        if not self._tried:
            kept = sum(part.count for part in ranges if part.reason is RenderReason.KEPT)
            self._tell(JobStarted(job=self._name, frame_count=self._pacing.frames, kept=kept))
        chunks = [
            chunk for chunk in pilot.to_render(ranges) if pilot.plan.chunk_frames(chunk).stop > self._tried
        ]
        self._tried = pilot.plan.frame_count
        if not chunks:
            return
        events = self._executor.run(pilot.plan.shards(chunks, chunks_per_shard=1, folder=self._folder.url))
        try:
            for event in events:
                self._tell(event)
                if isinstance(event, FramesFailed):
                    self._failed |= dict.fromkeys(event.frames, event.reason)
        finally:
            events.close()  # type: ignore[attr-defined]  # executors' runs are generators

    def _measure(self, alphas: list[float], there: Mapping[float, AnalyzedFrame]) -> None:
        """Measure what changes between neighbours that were none before."""
        unknown = itertools.groupby(itertools.pairwise(alphas), key=lambda pair: pair not in self._changes)
        for pairs in [list(pairs) for is_new, pairs in unknown if is_new]:
            frames = (there[pairs[0][0]], *(there[high] for _, high in pairs))
            stretch = Stretch(frames=frames, before=None, after=None)
            values = self._executor.background(measure, self._pacing.measure, self._folder.url, stretch)
            self._changes |= zip(pairs, map(self._change, values[1:]), strict=True)

    def _change(self, values: Values) -> float:
        """Return what changed since the frame before, in a measure that adds up along the way.

        perceptual: the root of 1 - SSIM, for small changes the metric sqrt(2 - S1 - S2) of Brunet, Vrscay and Wang
        (2012, doi:10.1109/TIP.2011.2173206), while 1 - SSIM grows with their square. clip: the angle in radians.
        """
        if self._pacing.kind == "clip":
            return math.acos(max(-1.0, 1 - _number(values["clip_change"])))
        return math.sqrt(2 * _number(values["perceptual_change"]))

    def _is_cut_otherwise(self, first: int, last: int) -> bool:
        """Tell of a ledger part whether it is no chunk of this pilot: of another batch size, or another end."""
        size, end = self._pacing.batch_size, self._pacing.frames
        return first % size != 0 or last != min(first + size, end) - 1


def _number(value: Value) -> float:
    """Return a measured value; what could not be measured, as of a blank picture, counts as no change."""
    return max(0.0, float(value)) if isinstance(value, float) else 0.0
