"""From a manifest's path to a job that can start: loaded, its checkpoints found, planned. Nothing is rendered."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from farm.errors import FarmError, ManifestError, Problem, StorageError, UsageError, refusal
from farm.inputs.absolute_paths import by_whole_paths
from farm.inputs.pictures.find import find_pictures
from farm.inputs.rehearsal import rehearsal
from farm.inputs.resolve import find_analysis, find_renderer
from farm.manifest import Document
from farm.manifest.read_policy import ANYTHING, ReadPolicy
from farm.plan import Plan, Range, chunks_to_render, judge
from farm.plan.pacing import Alphas
from farm.records import AnalysisSpec, FrameRow, PictureSource
from farm.results.job import planned
from farm.rules.load import load
from farm.rules.prompts import refuse_slips
from farm.rules.registry import refuse_canvas, refuse_misfits, refuse_outputs, refuse_pictures, remarks_on
from farm.rules.unmeasured import unmeasured_remarks
from farm.run.pacing import Pacing, pacing_of, pacing_remarks, refuse_moving_pictures
from farm.store import JobFolder, Ledger, is_intact, map_in_order, symlink_in

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A plan, the folder that it renders into, and the input pictures that were found, by their whole paths.

    `analysis` is what to measure in the frames, None for nothing. `pacing` is how alphas are chosen where they are not
    written: those of `plan` are even until a pilot has chosen them. `remarks` say, each with its place, what will not
    come out as the manifest has it.
    """

    plan: Plan
    folder: JobFolder
    pictures: Mapping[str, PictureSource] = field(default_factory=dict)
    analysis: AnalysisSpec | None = None
    pacing: Pacing | None = None
    remarks: tuple[str, ...] = ()

    def remaining(self) -> list[Range]:
        """Return ranges over all frames, each with whether it is kept or why it is rendered."""
        rows = Ledger(self.folder).rows(last=self.plan.frame_count - 1)
        if self.folder.concurrent_reads == 1:
            return list(judge(self.plan, rows, partial(is_intact, self.folder)))
        whole: dict[int, bool] = {}

        def checked() -> Iterator[FrameRow]:
            for row, found in map_in_order(self._check, rows, concurrency=self.folder.concurrent_reads):
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
        return row, planned and is_intact(self.folder, row)


def prepare(
    path: Path,
    *,
    overrides: Sequence[str] = (),
    output_dir: str = "out",
    procedural: bool = False,
    reads: ReadPolicy = ANYTHING,
) -> Job:
    """Return the job of a manifest, which may have read what `reads` says.

    With `procedural` its motion is rehearsed without its model, into `<name>-rehearsal`.

    Raises:
        ManifestError: with every mistake found, and where; a missing checkpoint or picture is one of them, a
            link in the place of the output folder, and an error that nobody foresaw.
        UsageError: when nothing can be written to `output_dir`.
        StorageError: when the output folder cannot be read.
    """
    try:
        return _prepare(path, overrides, output_dir, reads, procedural=procedural)
    except FarmError:
        raise
    except BaseException as error:
        raise refusal(path, error) from error


def _prepare(
    path: Path, overrides: Sequence[str], output_dir: str, reads: ReadPolicy, *, procedural: bool
) -> Job:
    document = replace(load(path, overrides), reads=reads)
    name = document.manifest.name
    folder = JobFolder(_beside(output_dir, f"{name}-rehearsal" if procedural else name))
    mistakes = _Mistakes()
    found_renderer = None
    if not procedural:
        found_renderer = mistakes.of(lambda: find_renderer(document))
    if found_renderer is not None:
        mistakes.of(lambda: refuse_misfits(document, found_renderer))
    mistakes.of(lambda: refuse_slips(document))
    analysis = mistakes.of(lambda: find_analysis(document))
    found_pictures = mistakes.of(lambda: find_pictures(document, folder))
    pictures = by_whole_paths(document, found_pictures or {})
    if found_pictures is not None:
        mistakes.of(lambda: refuse_canvas(document, found_pictures))
        mistakes.of(lambda: refuse_moving_pictures(document, found_pictures))
    if found_pictures is not None and not procedural:
        mistakes.of(lambda: refuse_pictures(document, found_renderer, pictures))
    mistakes.refuse()
    drawn = rehearsal(document, pictures)
    renderer = found_renderer or drawn
    in_the_way = symlink_in(folder)
    if in_the_way is not None:
        raise document.error(
            ("name",),
            in_the_way,
            "needed: an output folder of the job's own",
            "Remove what is there, or choose another name or --output-dir, which may be a link itself.",
        )
    design = partial(planned, document, renderer, pictures, analysis)
    pacing = pacing_of(document.manifest, analysis, folder, design)
    plan = design(pacing.known if pacing else None)
    refuse_outputs(document, plan, drawn)
    return Job(
        plan=plan,
        folder=folder,
        pictures=pictures,
        analysis=analysis,
        pacing=pacing,
        remarks=(
            *remarks_on(document, renderer, pictures),
            *_remarks_on_folder(document, analysis, folder, design),
        ),
    )


def _remarks_on_folder(
    document: Document, analysis: AnalysisSpec | None, folder: JobFolder, design: Callable[[Alphas], Plan]
) -> tuple[str, ...]:
    with contextlib.suppress(StorageError):  # the run tells what is wrong with the folder
        return (*pacing_remarks(document, analysis, folder, design), *unmeasured_remarks(analysis, folder))
    return ()


class _Mistakes:
    """Gathers what steps refuse, so that it is told together."""

    def __init__(self) -> None:
        self._problems: list[Problem] = []

    def of(self, step: Callable[[], T]) -> T | None:
        """Return what a step returns, or None where it refuses the manifest."""
        try:
            return step()
        except ManifestError as error:
            self._problems += error.problems
            return None

    def refuse(self) -> None:
        """Raise ManifestError with all that was refused, in the order of the file, if anything was."""
        if self._problems:
            raise ManifestError(sorted(self._problems, key=_place))


def _place(problem: Problem) -> tuple[int, ...]:
    """Return line and column, which `where` ends with; what was set on the command line comes after the file."""
    if problem.where.startswith("--set "):
        return (sys.maxsize,)
    return tuple(int(number) for number in problem.where.rsplit(":", 2)[1:])


def _beside(output_dir: str, name: str) -> str:
    if not output_dir:
        raise UsageError("--output-dir: empty; give a folder or a URL such as s3://bucket/renders.")
    return f"{output_dir}{name}" if output_dir.endswith("/") else f"{output_dir}/{name}"
