"""Which chunks of a job are looked at, and what its ledger says of them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping

from farm.plan import Plan
from farm.records import FrameRow
from farm.store import Ledger

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
