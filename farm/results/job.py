"""A job's folder: its manifest, plan and finished frames, whatever model rendered them. Needs no model."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from farm.errors import UsageError
from farm.inputs.absolute_paths import with_absolute_paths
from farm.inputs.procedural import procedural_renderer
from farm.inputs.rendered_pictures import check_pictures_unchanged, rendered_pictures
from farm.inputs.resolve import find_renderer
from farm.manifest import Document
from farm.manifest.read_policy import ANYTHING, ReadPolicy
from farm.plan import Plan, make_plan
from farm.plan.pacing import Alphas, with_alphas
from farm.records import (
    AnalysisSpec,
    AnalyzedFrame,
    DiffusersSpec,
    Frame,
    FrameRow,
    PictureSource,
    ProceduralSpec,
    RendererSpec,
)
from farm.records.status import FrameStatus
from farm.reduce import FrameCounts, Summary, installed_versions
from farm.results.measurements import analyzed_frame
from farm.results.status import (
    EXIT_CODES,
    ON_PAGES,
    UNFINISHED,
    frame_statuses,
    last_summary,
    missing_frames_message,
    state_of,
)
from farm.rules.load import parse
from farm.store import JobFolder, Ledger, symlink_in

_MANIFEST = "manifest.yaml"
_MAX_BYTES = 16 * 2**20
"""Maximum of a resolved manifest, which includes all defaults: four times that of a user's manifest."""


def job_to_verify(url: str, *, reads: ReadPolicy = ANYTHING) -> FinishedJob:
    """Return the job at `url` with the renderer of its `manifest.yaml`, to render its frames again.

    `reads` says which files the manifest may read. A rehearsal has the renderer of rehearsals.

    Raises:
        UsageError: if it is not a job's folder, or contains symbolic links.
        ManifestError: if its manifest is invalid, a checkpoint or input picture is missing, or a picture has changed.
    """
    folder, document = read_job(url, reads=reads)
    pictures = rendered_pictures(folder, document)
    first = next(Ledger(folder).rows(), None)
    if first is None or first.pipeline == "procedural":  # without a frame, no model is needed
        renderer: RendererSpec = procedural_renderer(document, pictures)
    else:
        check_pictures_unchanged(document, pictures)
        renderer = find_renderer(document)
    return FinishedJob(folder=folder, document=document, plan=planned(document, renderer, pictures))


def read_job(
    url: str, overrides: Sequence[str] = (), *, reads: ReadPolicy = ANYTHING
) -> tuple[JobFolder, Document]:
    """Return the folder of the job at `url`, and its manifest with `overrides` (`field=value`).

    Raises:
        UsageError: if it is not a job's folder, or contains symbolic links.
        ManifestError: if its manifest is invalid.
    """
    folder = JobFolder(url)
    if not folder.exists(_MANIFEST):
        raise UsageError(f"{url}: not a job's folder: it has no {_MANIFEST}.")
    _refuse_links(folder)
    try:
        text = folder.read(_MANIFEST, max_bytes=_MAX_BYTES).decode()
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{folder.path(_MANIFEST)}: not UTF-8, so the farm did not write it; render the job again."
        ) from error
    return folder, replace(parse(text, Path(folder.path(_MANIFEST)), overrides), reads=reads)


def _refuse_links(folder: JobFolder) -> None:
    """Refuse a job's folder that contains symbolic links; it may be one itself, since the user chose it.

    Raises:
        UsageError: the message names the link and its target.
    """
    found = symlink_in(folder, follow_root=True)
    if found is not None:
        raise UsageError(
            f"{found}; a job's folder must not contain links: replace it with the folder itself."
        )


def render_again(job: FinishedJob) -> str:
    """Return the command that renders missing and changed frames of a job again.

    Empty if no command addresses the folder: it is on an object store, or was renamed.
    """
    folder, plan = Path(job.folder.url), job.plan
    is_rehearsal = isinstance(plan.renderer, ProceduralSpec)
    if not job.folder.is_local or folder.name != (f"{plan.name}-rehearsal" if is_rehearsal else plan.name):
        return ""
    words = ["farm", "render", str(folder / _MANIFEST), "--output-dir", str(folder.parent)]
    return shlex.join([*words, "--procedural"] if is_rehearsal else words)


def promises_bits(job: FinishedJob) -> bool:
    """Return whether rendering a recipe of this job again in the same environment gives the same bits."""
    renderer = job.plan.renderer
    return not isinstance(renderer, DiffusersSpec) or renderer.determinism == "strict"


MAX_FRAMES = 1_000_000
"""Maximum number of planned frames of a job that is read frame by frame, however few were rendered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedJob:
    """A job's folder, its manifest, and the plan of the manifest."""

    folder: JobFolder
    document: Document
    plan: Plan

    def frames(self) -> Iterator[tuple[Frame, FrameRow]]:
        """Yield the intact frames with the manifest's recipe, in order."""
        for number, row, status in frame_statuses(self.folder, self.plan, any_renderer=True):
            if row is not None and status is FrameStatus.INTACT:
                yield self.plan.frame(number), row

    def analyzed_frames(self) -> Iterator[AnalyzedFrame]:
        """Yield the same frames with the prompts that they should show."""
        return (analyzed_frame(frame, row) for frame, row in self.frames())

    def summary(self, finished: int) -> Summary:
        """Return the summary of the last run; if it was killed, an interrupted one with `finished` frames.

        Raises:
            StorageError: if it cannot be read.
        """
        return last_summary(self.folder) or _interrupted(self.plan, finished)

    def summary_for_pages(self, finished: int) -> Summary:
        """Return the same, except that a job that was done is partly done if frames are missing now.

        Raises:
            StorageError: if it cannot be read.
        """
        summary, planned = self.summary(finished), self.plan.frame_count
        if state_of("", summary, lacks_frames=finished < planned) != "incomplete":
            return summary
        state = ON_PAGES["incomplete"]
        return dataclasses.replace(
            summary, state=state, exit_code=EXIT_CODES[state], error=missing_frames_message(finished, planned)
        )


def open_finished(url: str, overrides: Sequence[str] = (), *, reads: ReadPolicy = ANYTHING) -> FinishedJob:
    """Return the job at `url` as its `manifest.yaml` says, with `overrides` (`field=value`).

    Raises:
        UsageError: if it is not a job's folder, or contains symbolic links.
        ManifestError: if its manifest is invalid, or names a changed and missing input picture.
    """
    folder, document = read_job(url, overrides, reads=reads)
    plan = planned(document, ProceduralSpec(), rendered_pictures(folder, document))
    return FinishedJob(folder=folder, document=document, plan=plan)


def refuse_too_long(job: FinishedJob) -> None:
    """Refuse a job of more than `MAX_FRAMES` planned frames, however few were rendered.

    Raises:
        UsageError: the message has the number of planned frames.
    """
    if job.plan.frame_count > MAX_FRAMES:
        raise UsageError(
            f"{job.folder.path('manifest.yaml')}: plans {job.plan.frame_count} frames; allowed: up to {MAX_FRAMES} for "
            "inspection and pages. Read its metadata.parquet, or open it in Python with farm.open."
        )


def _interrupted(plan: Plan, finished: int) -> Summary:
    state = ON_PAGES["unfinished"]
    return Summary(
        name=plan.name,
        kind=plan.kind,
        state=state,
        exit_code=EXIT_CODES[state],
        error=UNFINISHED,
        frames=FrameCounts(planned=plan.frame_count, rendered=0, cached=0, kept=finished, failed=0),
        failures=(),
        remarks=(),
        seconds=0.0,
        started_at="",
        finished_at="",
        workers=(),
        environments=(),
        outputs=(),
        versions=installed_versions(),
    )


def planned(
    document: Document,
    renderer: RendererSpec,
    pictures: Mapping[str, PictureSource],
    analysis: AnalysisSpec | None = None,
    alphas: Alphas | None = None,
) -> Plan:
    """Return the plan of a manifest for its renderer, with the `pictures` found, under absolute paths.

    `alphas` replace those in the manifest.
    """
    manifest = with_absolute_paths(document, renderer, analysis)
    return make_plan(with_alphas(manifest, alphas) if alphas else manifest, renderer, pictures)
