"""From a manifest's path to a job that can start: loaded, its checkpoints found, planned. Nothing is rendered."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from farm.errors import ManifestError, Problem, UsageError
from farm.manifest import Document, load
from farm.plan import Plan, Range, chunks_to_render, judge, make_plan
from farm.records import FrameRow, PictureSource, ProceduralSpec, RendererSpec
from farm.run.checkpoints import find_renderer
from farm.run.fit import refuse_misfits
from farm.run.input_pictures import find_pictures
from farm.run.weighted_words import refuse_slips
from farm.run.whole_paths import located_picture, with_whole_paths
from farm.store import JobFolder, Ledger, in_order, is_whole, obstacle


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A plan and the folder that it renders into."""

    plan: Plan
    folder: JobFolder

    def remaining(self) -> list[Range]:
        """Return ranges over all frames, each with whether it is kept or why it is rendered."""
        rows = Ledger(self.folder).rows(last=self.plan.frame_count - 1)
        if self.folder.at_once == 1:
            return list(judge(self.plan, rows, partial(is_whole, self.folder)))
        whole: dict[int, bool] = {}

        def checked() -> Iterator[FrameRow]:
            for row, found in in_order(self._check, rows, at_once=self.folder.at_once):
                whole.clear()  # `judge` asks about a row before it takes the next
                whole[row.frame] = found
                yield row

        return list(judge(self.plan, checked(), lambda row: whole[row.frame]))

    def to_render(self, ranges: Sequence[Range]) -> tuple[int, ...]:
        """Return the chunks that `remaining` leaves to render."""
        return tuple(chunks_to_render(self.plan, ranges))

    def _check(self, row: FrameRow) -> tuple[FrameRow, bool]:
        """Return a row and whether its frame is there, which is only looked at if it is of the recipe planned."""
        planned = self.plan.frame(row.frame).digest == row.recipe_digest
        return row, planned and is_whole(self.folder, row)


def prepare(
    path: Path, *, overrides: Sequence[str] = (), output_dir: str = "out", procedural: bool = False
) -> Job:
    """Return the job of a manifest.

    With `procedural` its motion is rehearsed without its model, into `<name>-rehearsal`.

    Raises:
        ManifestError: with every mistake found, and where; a missing checkpoint or picture is one of them, and
            a link in the place of the output folder.
        UsageError: when nothing can be written to `output_dir`.
    """
    document = load(path, overrides)
    find = rehearsal if procedural else _fitting
    steps = (partial(step, document) for step in (find, find_pictures, refuse_slips))
    renderer, pictures, _ = _told_together(*steps)
    plan = planned(document, renderer, pictures)
    name = f"{plan.name}-rehearsal" if procedural else plan.name
    folder = JobFolder(_beside(output_dir, name))
    found = obstacle(folder)
    if found is not None:
        raise document.error(
            ("name",),
            found,
            "needed: an output folder of the job's own",
            "Remove what is there, or choose another name or --output-dir, which may be a link itself.",
        )
    return Job(plan=plan, folder=folder)


def planned(document: Document, renderer: RendererSpec, pictures: Mapping[str, PictureSource]) -> Plan:
    """Return the plan of a manifest on its renderer, with the pictures that were found."""
    by_path = {located_picture(document, text): source for text, source in pictures.items()}
    return make_plan(with_whole_paths(document, renderer), renderer, by_path)


def _fitting(document: Document) -> RendererSpec:
    renderer = find_renderer(document)
    refuse_misfits(document, renderer)
    return renderer


def _told_together(*steps: Callable[[], Any]) -> list[Any]:
    """Return what each step returns.

    Raises:
        ManifestError: when some raise it, with the problems of all of them.
    """
    results: list[Any] = []
    problems: list[Problem] = []
    for step in steps:
        try:
            results.append(step())
        except ManifestError as error:
            problems += error.problems
    if problems:
        raise ManifestError(sorted(problems, key=_place))
    return results


def _place(problem: Problem) -> tuple[int, ...]:
    """Return line and column, which `where` ends with; what was set on the command line comes after the file."""
    if problem.where.startswith("--set "):
        return (sys.maxsize,)
    return tuple(int(number) for number in problem.where.rsplit(":", 2)[1:])


def _beside(output_dir: str, name: str) -> str:
    if not output_dir:
        raise UsageError("--output-dir: empty; give a folder or a URL such as s3://bucket/renders.")
    return f"{output_dir}{name}" if output_dir.endswith("/") else f"{output_dir}/{name}"


def refuse_links(folder: JobFolder) -> None:
    """Refuse a job's folder of which parts are links; it may be one itself, since the user chose it.

    Raises:
        UsageError: with what the link points to.
    """
    found = obstacle(folder, chosen=True)
    if found is not None:
        raise UsageError(f"{found}; a job's own folders are never links: put the folder itself there.")


def rehearsal(document: Document) -> ProceduralSpec:
    """Return a procedural renderer of the manifest's picture size."""
    render = document.manifest.render
    return ProceduralSpec(height=render.height or 64, width=render.width or 64)
