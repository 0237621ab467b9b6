"""A job's outputs made again from its frames alone: nothing is rendered, no model or input picture is needed."""

from __future__ import annotations

import dataclasses
from array import array
from collections.abc import Iterator
from dataclasses import dataclass

from farm.plan import Plan
from farm.records import Frame, FrameRow, ProceduralSpec
from farm.reduce import Artifact, TableHeader, assemble, write_table
from farm.run.finished import read_job
from farm.run.prepare import planned
from farm.run.rendered_pictures import rendered_pictures
from farm.store import Claim, JobFolder, Ledger, is_whole


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
        UsageError: when it is not a job's folder, or parts of it are links.
        ManifestError: when its manifest was changed into one that is wrong, or names other input pictures since, and
            one is not there.
        FarmError: when an output cannot be made.
    """
    folder, document = read_job(url)
    plan = planned(document, ProceduralSpec(), rendered_pictures(folder, document))
    claim = Claim(folder).take()
    try:
        folder.sweep()
        there = array("q", (frame.index for frame, _ in _finished(plan, folder)))
        outputs = assemble(folder, plan.name, plan.outputs, there, frame_count=plan.frame_count)
        claim.confirm()
        if there:
            header = TableHeader(manifest_text=plan.manifest_text, kind=plan.kind)
            write_table(folder, header, _finished(plan, folder))
    finally:
        claim.release()
    return Assembled(name=plan.name, planned=plan.frame_count, frames=len(there), outputs=outputs)


def _finished(plan: Plan, folder: JobFolder) -> Iterator[tuple[Frame, FrameRow]]:
    """Yield the frames that are there, whole, and of the manifest's recipe, whatever model rendered them."""
    for row in Ledger(folder).rows(last=plan.frame_count - 1):
        frame = dataclasses.replace(plan, renderer_digest=row.renderer_digest).frame(row.frame)
        if frame.digest == row.recipe_digest and is_whole(folder, row):
            yield frame, row
