"""Notes on finished frames: flaws, workers and environments."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Iterator

from farm.records import Frame, FrameRow
from farm.records.status import ranges_of
from farm.reduce import EnvironmentShare, FrameRange, WorkerShare


class FrameNotes:
    """Collects notes from a stream of ledger rows. Takes little memory, since most frames have none."""

    def __init__(self) -> None:
        self._reasons: dict[int, str] = {}
        self._environments: Counter[str] = Counter()
        self._workers: dict[tuple[str, str, str], WorkerShare] = {}

    def read(self, rows: Iterator[tuple[Frame, FrameRow]]) -> Iterator[tuple[Frame, FrameRow]]:
        """Yield the rows unchanged, and collect their notes."""
        for frame, row in rows:
            if note := note_for(row):
                self._reasons[row.frame] = note
            self._environments[row.environment] += 1
            if not row.cached:
                self._count(row)
            yield frame, row

    @property
    def workers(self) -> tuple[WorkerShare, ...]:
        """The workers that rendered the frames, in this or an earlier run, sorted by name."""
        return tuple(
            dataclasses.replace(share, seconds=round(share.seconds, 3))
            for _, share in sorted(self._workers.items())
        )

    @property
    def ranges(self) -> tuple[FrameRange, ...]:
        """The frames that have notes."""
        return ranges_of(sorted(self._reasons.items()))

    @property
    def environments(self) -> tuple[EnvironmentShare, ...]:
        """The environments that rendered the frames, most frequent first."""
        return tuple(
            EnvironmentShare(environment=json.loads(text), frames=count)
            for text, count in self._environments.most_common()
        )

    def _count(self, row: FrameRow) -> None:
        key = row.worker, row.node, row.device
        share = self._workers.get(key) or WorkerShare(
            name=row.worker, node=row.node, device=row.device, frames=0, seconds=0.0
        )
        self._workers[key] = dataclasses.replace(
            share, frames=share.frames + 1, seconds=share.seconds + row.render_seconds
        )


def note_for(row: FrameRow) -> str:
    """Return the note for a frame, empty if there is none."""
    notes = []
    if row.flaw:
        notes.append(f"{row.flaw}, also when rendered again")
    if row.frames_per_call < row.batch_size:
        notes.append(
            f"rendered {row.frames_per_call} in a call instead of {row.batch_size}, because memory ran out; "
            "the last bits may differ"
        )
    return "; ".join(notes)
