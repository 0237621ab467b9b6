"""The durable record of which frames exist: one small file per finished chunk, written after its frames."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Sequence

from farm.errors import StorageError
from farm.records import FrameRow
from farm.store.folder import JobFolder

_PARTS = ".farm/ledger"


class Ledger:
    """Rows of the frames in a job folder.

    Each part is named by its first and last frame and holds one JSON object a line; a chunk that is rendered
    again replaces its part. Where parts overlap (after a change of batch size) the later row counts.
    """

    def __init__(self, folder: JobFolder) -> None:
        self._folder = folder

    def commit(self, rows: Sequence[FrameRow]) -> None:
        """Record frames whose files are already written."""
        lines = "".join(json.dumps(dataclasses.asdict(row), sort_keys=True) + "\n" for row in rows)
        first, last = min(row.frame for row in rows), max(row.frame for row in rows)
        self._folder.write(f"{_PARTS}/frame{first:06d}-{last:06d}.jsonl", lines.encode())

    def rows(self) -> dict[int, FrameRow]:
        """Return the latest row of every recorded frame, by frame.

        Raises:
            StorageError: when a part is not what the farm writes.
        """
        latest: dict[int, FrameRow] = {}
        for row in self._all():
            known = latest.get(row.frame)
            if known is None or row.rendered_at >= known.rendered_at:
                latest[row.frame] = row
        return latest

    def _all(self) -> Iterator[FrameRow]:
        for part in sorted(self._folder.sizes(_PARTS)):
            if not part.startswith("frame") or not part.endswith(".jsonl"):
                continue
            name = f"{_PARTS}/{part}"
            for line in self._folder.read(name).decode().splitlines():
                try:
                    yield FrameRow(**json.loads(line))
                except (TypeError, ValueError) as error:
                    raise StorageError(f"{self._folder.path(name)}: not a ledger part ({error}).") from error
