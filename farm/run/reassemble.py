"""A job's outputs made again from its frames alone: no model is needed, nothing is rendered."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from farm.errors import UsageError
from farm.manifest import parse
from farm.plan import make_plan
from farm.records import Frame, FrameRow
from farm.reduce import Artifact, TableHeader, assemble, write_table
from farm.run.prepare import rehearsal
from farm.store import JobFolder, Ledger, is_whole


@dataclass(frozen=True, slots=True, kw_only=True)
class Assembled:
    """What `reassemble` made: `frames` of `planned` were there."""

    name: str
    planned: int
    frames: int
    outputs: tuple[Artifact, ...]


def reassemble(url: str) -> Assembled:
    """Make GIF, MP4, sheets and table of the job in `url` again, as its `manifest.yaml` there says.

    Raises:
        UsageError: when it is not a job's folder.
        ManifestError: when its manifest was changed into one that is wrong.
        FarmError: when an output cannot be made.
    """
    folder = JobFolder(url)
    if not folder.exists("manifest.yaml"):
        raise UsageError(f"{url}: not a job's folder: it holds no manifest.yaml.")
    document = parse(folder.read("manifest.yaml").decode(), Path(folder.path("manifest.yaml")))
    plan = make_plan(document.manifest, rehearsal(document))
    rows = Ledger(folder)
    there = array("q", (row.frame for row in rows.rows(last=plan.frame_count - 1) if is_whole(folder, row)))
    whole = set(there)

    def finished() -> Iterator[tuple[Frame, FrameRow]]:
        return ((plan.frame(row.frame), row) for row in rows.rows() if row.frame in whole)

    outputs = assemble(folder, plan.name, plan.outputs, there, frame_count=plan.frame_count)
    if there:
        write_table(folder, TableHeader(manifest_text=plan.manifest_text, kind=plan.kind), finished())
    return Assembled(name=plan.name, planned=plan.frame_count, frames=len(there), outputs=outputs)
