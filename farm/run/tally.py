"""What came in from a job's workers: counts for the summary, small however many frames there are."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from farm.events import ChunkDone, FramesFailed, WorkerStarted
from farm.reduce import FrameRange, WorkerShare


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


class Ranges:
    """Frames, added in order, as ranges of neighbours that share a reason."""

    def __init__(self) -> None:
        self._ranges: list[FrameRange] = []

    def add(self, frame: int, reason: str) -> None:
        """Add a frame that comes after all those that were added."""
        former = self._ranges[-1] if self._ranges else None
        if former is not None and former.last == frame - 1 and former.reason == reason:
            self._ranges[-1] = dataclasses.replace(former, last=frame)
        else:
            self._ranges.append(FrameRange(first=frame, last=frame, reason=reason))

    @property
    def ranges(self) -> tuple[FrameRange, ...]:
        """All that were added."""
        return tuple(self._ranges)


def ranges_of(reasons: Iterable[tuple[int, str]]) -> tuple[FrameRange, ...]:
    """Return frames, in order, as ranges of neighbours that share a reason."""
    found = Ranges()
    for frame, reason in reasons:
        found.add(frame, reason)
    return found.ranges
