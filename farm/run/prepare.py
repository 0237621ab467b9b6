"""From a manifest's path to a job that can start: loaded, its checkpoints found, planned. Nothing is rendered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from farm.errors import UsageError
from farm.manifest import Document, load
from farm.plan import Plan, Range, chunks_to_render, judge, make_plan
from farm.records import ProceduralSpec
from farm.run.checkpoints import find_renderer, with_whole_paths
from farm.store import JobFolder, Ledger, is_whole


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A plan and the folder that it renders into."""

    plan: Plan
    folder: JobFolder

    def remaining(self) -> list[Range]:
        """Return ranges over all frames, each with whether it is kept or why it is rendered."""
        return list(judge(self.plan, Ledger(self.folder).rows(), partial(is_whole, self.folder)))

    def to_render(self, ranges: Sequence[Range]) -> tuple[int, ...]:
        """Return the chunks that `remaining` leaves to render."""
        return tuple(chunks_to_render(self.plan, ranges))


def prepare(
    path: Path, *, overrides: Sequence[str] = (), output_dir: str = "out", procedural: bool = False
) -> Job:
    """Return the job of a manifest.

    With `procedural` its motion is rehearsed without its model, into `<name>-rehearsal`.

    Raises:
        ManifestError: with every mistake found, and where; a missing checkpoint is one of them.
    """
    document = load(path, overrides)
    renderer = rehearsal(document) if procedural else find_renderer(document)
    plan = make_plan(with_whole_paths(document.manifest, renderer), renderer)
    name = f"{plan.name}-rehearsal" if procedural else plan.name
    return Job(plan=plan, folder=JobFolder(_beside(output_dir, name)))


def _beside(output_dir: str, name: str) -> str:
    if not output_dir:
        raise UsageError("--output-dir: empty; give a folder or a URL such as s3://bucket/renders.")
    return f"{output_dir}{name}" if output_dir.endswith("/") else f"{output_dir}/{name}"


def rehearsal(document: Document) -> ProceduralSpec:
    """Return a procedural renderer of the manifest's picture size."""
    render = document.manifest.render
    return ProceduralSpec(height=render.height or 64, width=render.width or 64)
