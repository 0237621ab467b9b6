"""What lies in a job's folder: frames that are there, whatever model rendered them. No model is needed to read it."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from farm.errors import UsageError
from farm.inputs.absolute_paths import with_absolute_paths
from farm.inputs.pictures.recorded import check_pictures_unchanged, rendered_pictures
from farm.inputs.rehearsal import rehearsal
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
from farm.results.measurements import shown
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
_MOST_BYTES = 16 * 2**20
"""Of a resolved manifest, in which nothing is left unsaid: four times what a manifest may have."""


def job_to_verify(url: str, *, reads: ReadPolicy = ANYTHING) -> FinishedJob:
    """Return the job in `url` as its `manifest.yaml` there says, to be rendered again.

    The manifest may have read what `reads` says. A rehearsal's has the renderer of rehearsals.

    Raises:
        UsageError: when it is not a job's folder, or parts of it are links.
        ManifestError: when its manifest was changed into one that is wrong, or a checkpoint or picture is not there,
            or a picture is not as it was.
    """
    folder, document = read_job(url, reads=reads)
    pictures = rendered_pictures(folder, document)
    first = next(Ledger(folder).rows(), None)
    if first is None or first.pipeline == "procedural":  # without a frame, no model is needed
        renderer: RendererSpec = rehearsal(document, pictures)
    else:
        check_pictures_unchanged(document, pictures)
        renderer = find_renderer(document)
    return FinishedJob(folder=folder, document=document, plan=planned(document, renderer, pictures))


def read_job(
    url: str, overrides: Sequence[str] = (), *, reads: ReadPolicy = ANYTHING
) -> tuple[JobFolder, Document]:
    """Return the job's folder at `url`, and the manifest in it with `overrides` laid over it.

    Raises:
        UsageError: when it is not a job's folder, or parts of it are links.
        ManifestError: when its manifest was changed into one that is wrong.
    """
    folder = JobFolder(url)
    if not folder.exists(_MANIFEST):
        raise UsageError(f"{url}: not a job's folder: it holds no {_MANIFEST}.")
    _refuse_links(folder)
    try:
        text = folder.read(_MANIFEST, max_bytes=_MOST_BYTES).decode()
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{folder.path(_MANIFEST)}: not UTF-8, so not what the farm wrote; render the job again."
        ) from error
    return folder, replace(parse(text, Path(folder.path(_MANIFEST)), overrides), reads=reads)


def _refuse_links(folder: JobFolder) -> None:
    """Refuse a job's folder of which parts are links; it may be one itself, since the user chose it.

    Raises:
        UsageError: with what the link points to.
    """
    found = symlink_in(folder, follow_root=True)
    if found is not None:
        raise UsageError(f"{found}; a job's own folders are never links: put the folder itself there.")


def render_again(job: FinishedJob) -> str:
    """Return the command that renders what is not as it should be in a job's folder.

    Empty for a folder that no command would name: one on an object store, or one that was renamed.
    """
    folder, plan = Path(job.folder.url), job.plan
    drawn = isinstance(plan.renderer, ProceduralSpec)
    if not job.folder.is_local or folder.name != (f"{plan.name}-rehearsal" if drawn else plan.name):
        return ""
    words = ["farm", "render", str(folder / _MANIFEST), "--output-dir", str(folder.parent)]
    return shlex.join([*words, "--procedural"] if drawn else words)


def promises_bits(job: FinishedJob) -> bool:
    """Tell whether a recipe of this job gives the same bits twice in one environment."""
    renderer = job.plan.renderer
    return not isinstance(renderer, DiffusersSpec) or renderer.determinism == "strict"


MOST_FRAMES = 1_000_000
"""The largest job that is read frame by frame, however few of its frames were rendered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedJob:
    """A job's folder, its manifest, and what that plans."""

    folder: JobFolder
    document: Document
    plan: Plan

    def frames(self) -> Iterator[tuple[Frame, FrameRow]]:
        """Yield the frames that are there, whole, and of the manifest's recipe, in order."""
        for number, row, status in frame_statuses(self.folder, self.plan, any_renderer=True):
            if row is not None and status is FrameStatus.INTACT:
                yield self.plan.frame(number), row

    def shown(self) -> Iterator[AnalyzedFrame]:
        """Yield the same frames with what they are to show."""
        return (shown(frame, row) for frame, row in self.frames())

    def summary(self, there: int) -> Summary:
        """Return what its last run said of it; of one that was killed, that it was interrupted with `there` frames.

        Raises:
            StorageError: when it cannot be read.
        """
        return last_summary(self.folder) or _interrupted(self.plan, there)

    def summary_for_pages(self, there: int) -> Summary:
        """Return the same, but that a job which was done is no longer where frames are gone.

        Raises:
            StorageError: when it cannot be read.
        """
        summary, planned = self.summary(there), self.plan.frame_count
        if state_of("", summary, lacks_frames=there < planned) != "incomplete":
            return summary
        state = ON_PAGES["incomplete"]
        return dataclasses.replace(
            summary, state=state, exit_code=EXIT_CODES[state], error=missing_frames_message(there, planned)
        )


def open_finished(url: str, overrides: Sequence[str] = (), *, reads: ReadPolicy = ANYTHING) -> FinishedJob:
    """Return the job in `url` as its `manifest.yaml` there says, with `overrides` (`field=value`) laid over it.

    Raises:
        UsageError: when it is not a job's folder, or parts of it are links.
        ManifestError: when its manifest was changed into one that is wrong, or names other input pictures since, and
            one is not there.
    """
    folder, document = read_job(url, overrides, reads=reads)
    plan = planned(document, ProceduralSpec(), rendered_pictures(folder, document))
    return FinishedJob(folder=folder, document=document, plan=plan)


def refuse_too_long(job: FinishedJob) -> None:
    """Refuse a job of more than `MOST_FRAMES` frames, however few of them lie in its folder.

    Raises:
        UsageError: with the number that it plans.
    """
    if job.plan.frame_count > MOST_FRAMES:
        raise UsageError(
            f"{job.folder.path('manifest.yaml')}: plans {job.plan.frame_count} frames; jobs of up to {MOST_FRAMES} "
            "frames are inspected and have pages. Read its metadata.parquet, or open it in Python with farm.open."
        )


def _interrupted(plan: Plan, there: int) -> Summary:
    state = ON_PAGES["unfinished"]
    return Summary(
        name=plan.name,
        kind=plan.kind,
        state=state,
        exit_code=EXIT_CODES[state],
        error=UNFINISHED,
        frames=FrameCounts(planned=plan.frame_count, rendered=0, cached=0, kept=there, failed=0),
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
    """Return the plan of a manifest on its renderer, with the pictures that were found, by their whole paths.

    `alphas` stand in the place of those in the manifest.
    """
    manifest = with_absolute_paths(document, renderer, analysis)
    return make_plan(with_alphas(manifest, alphas) if alphas else manifest, renderer, pictures)
