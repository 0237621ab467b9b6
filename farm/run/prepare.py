"""Prepare a job from a manifest: load it, resolve its inputs, check and plan it. Nothing is rendered."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from farm.errors import FarmError, ManifestError, Problem, StorageError, UsageError, refusal
from farm.inputs.absolute_paths import by_absolute_paths
from farm.inputs.procedural import procedural_renderer
from farm.inputs.resolved import resolve
from farm.manifest import Document
from farm.manifest.read_policy import ANYTHING, ReadPolicy
from farm.plan import Plan, Range, chunks_to_render, ranges_by_reason
from farm.plan.pacing import Alphas
from farm.records import AnalysisSpec, PictureSource
from farm.results.job import planned
from farm.results.measurements import unmeasured_warnings
from farm.results.status import frame_statuses
from farm.rules.load import load, with_overrides
from farm.rules.outputs import output_findings
from farm.rules.registry import check_compatibility, problems_of, warnings
from farm.run.pacing import Pacing, pacing_of, pacing_warnings
from farm.store import JobFolder, symlink_in


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A plan, its output folder, and its input images by absolute path.

    `analysis` is what to measure in the frames, or None. `pacing` is how a pilot chooses alphas that are not listed,
    or None; until then the alphas of `plan` are evenly spaced. `remarks` are warnings with their place in the manifest.
    """

    plan: Plan
    folder: JobFolder
    pictures: Mapping[str, PictureSource] = field(default_factory=dict)
    analysis: AnalysisSpec | None = None
    pacing: Pacing | None = None
    remarks: tuple[str, ...] = ()

    def remaining(self) -> list[Range]:
        """Return ranges over all frames, each with the reason to render it, or KEPT."""
        statuses = frame_statuses(self.folder, self.plan)
        return list(ranges_by_reason(status.render_reason for _, _, status in statuses))

    def to_render(self, ranges: Sequence[Range]) -> tuple[int, ...]:
        """Return the chunks to render, given the ranges from `remaining`."""
        return tuple(chunks_to_render(self.plan, ranges))


def prepare(
    source: Path | Document,
    *,
    overrides: Sequence[str] = (),
    output_dir: str = "out",
    procedural: bool = False,
    reads: ReadPolicy = ANYTHING,
) -> Job:
    """Return the job of a manifest, given as a file or a loaded document. `reads` limits the files it may name.

    With `procedural` the job rehearses the motion without the model, in the folder `<name>-rehearsal`.

    Raises:
        ManifestError: with all mistakes and their positions, including missing checkpoints and images, an output
            folder that is a symbolic link, and unexpected errors.
        UsageError: if `output_dir` is not writable.
        StorageError: if the output folder cannot be read.
    """
    try:
        return _prepare(source, overrides, output_dir, reads, procedural=procedural)
    except FarmError:
        raise
    except BaseException as error:
        raise refusal(source.path if isinstance(source, Document) else source, error) from error


def _prepare(
    source: Path | Document, overrides: Sequence[str], output_dir: str, reads: ReadPolicy, *, procedural: bool
) -> Job:
    document = with_overrides(source, overrides) if isinstance(source, Document) else load(source, overrides)
    document = replace(document, reads=reads)
    name = document.manifest.name
    folder = JobFolder(_job_url(output_dir, f"{name}-rehearsal" if procedural else name))
    inputs, problems = resolve(document, folder, procedural=procedural)
    problems += check_compatibility(document, inputs)
    if problems:
        raise ManifestError(sorted(problems, key=_position))
    sources = inputs.pictures.sources if inputs.pictures else {}
    analysis = inputs.scoring.spec if inputs.scoring else None
    pictures = by_absolute_paths(document, sources)
    drawn = procedural_renderer(document, pictures)
    renderer = inputs.model.spec if inputs.model else drawn
    link = symlink_in(folder)
    if link is not None:
        raise document.error(
            ("name",),
            link,
            "needed: an output folder of the job's own",
            "Remove the link, or choose another name or --output-dir, which may be a link itself.",
        )
    design = partial(planned, document, renderer, pictures, analysis)
    pacing = pacing_of(document.manifest, analysis, folder, design)
    plan = design(pacing.known if pacing else None)
    problems = problems_of(document, output_findings(plan, width=drawn.width, height=drawn.height))
    if problems:
        raise ManifestError(problems)
    return Job(
        plan=plan,
        folder=folder,
        pictures=pictures,
        analysis=analysis,
        pacing=pacing,
        remarks=(*warnings(document, inputs), *_folder_warnings(document, analysis, folder, design)),
    )


def _folder_warnings(
    document: Document, analysis: AnalysisSpec | None, folder: JobFolder, design: Callable[[Alphas], Plan]
) -> tuple[str, ...]:
    with contextlib.suppress(StorageError):  # the run reports what is wrong with the folder
        return (*pacing_warnings(document, analysis, folder, design), *unmeasured_warnings(analysis, folder))
    return ()


def _position(problem: Problem) -> tuple[int, ...]:
    """Return the line and column of a problem; problems in --set options sort after the file."""
    if problem.where.startswith("--set "):
        return (sys.maxsize,)
    return tuple(int(number) for number in problem.where.rsplit(":", 2)[1:])


def _job_url(output_dir: str, name: str) -> str:
    if not output_dir:
        raise UsageError("--output-dir: empty; give a folder or a URL such as s3://bucket/renders.")
    return f"{output_dir}{name}" if output_dir.endswith("/") else f"{output_dir}/{name}"
