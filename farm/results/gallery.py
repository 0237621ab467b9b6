"""The gallery of the jobs in a folder, and the page of one job."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from farm.errors import FarmError, ManifestError, UsageError, as_farm_error
from farm.manifest.read_policy import BELOW_THE_MANIFEST
from farm.report import GalleryEntry, write_gallery, write_preview, write_report
from farm.results.job import FinishedJob, open_finished, refuse_too_long
from farm.results.measurements import Findings, findings_in
from farm.results.page import page_of
from farm.results.status import recorded_frames
from farm.store import FolderLock, JobFolder, lock_holder

_MANIFEST = "manifest.yaml"
_NO_REFUSED: Mapping[Path, ManifestError] = {}
_NO_TIMES: Mapping[str, str] = {}


def gallery(
    url: str,
    *,
    refused: Mapping[Path, ManifestError] = _NO_REFUSED,
    began: Mapping[str, str] = _NO_TIMES,
    refresh_seconds: float = 0.0,
) -> str:
    """Write the gallery of the jobs in the subfolders of `url`, and return its path; empty if there are none.

    Each of the `refused` manifests has a card of its own. `began` has the start times of jobs in the current run, by
    name. With `refresh_seconds` the page reloads itself while a job runs.

    Raises:
        StorageError: if it cannot be written.
    """
    folder = JobFolder(url)
    entries = [*_jobs_in(folder, began), *(_refused(path, error) for path, error in refused.items())]
    if not entries:
        return ""
    title = folder.path("").rstrip("/").rsplit("/", 1)[-1]
    now = datetime.now(UTC).isoformat(timespec="seconds")
    write_gallery(folder, entries, title=title, written_at=now, refresh_seconds=refresh_seconds)
    return folder.path("index.html")


def _jobs_in(folder: JobFolder, began: Mapping[str, str]) -> Iterator[GalleryEntry]:
    """Yield the cards of the jobs in the subfolders of `folder`, by name, including unreadable jobs."""
    for name in folder.folders(""):
        if not name.startswith("."):
            try:
                entry = _job_in(folder, name, began)
            except Exception as error:  # a damaged folder affects only its own card
                entry = _unreadable(name, as_farm_error(error))
            if entry is not None:
                yield replace(entry, report=_has_report(folder, name))


def _has_report(folder: JobFolder, name: str) -> bool:
    try:
        return "report.html" in folder.names(name)
    except FarmError:
        return False


def _job_in(folder: JobFolder, name: str, began: Mapping[str, str]) -> GalleryEntry | None:
    """Return the card of the job in a subfolder; None if it contains no job.

    Raises:
        FarmError: if it cannot be read.
    """
    return _entry(folder.path(name), name, began) if folder.exists(f"{name}/{_MANIFEST}") else None


def _entry(url: str, name: str, began: Mapping[str, str]) -> GalleryEntry:
    """Return the card of a job; if its folder has another name, the card has both names.

    Raises:
        FarmError: if it cannot be read.
    """
    job = open_finished(url, reads=BELOW_THE_MANIFEST)
    plan, finished = job.plan, recorded_frames(job.folder, job.plan)
    entry = GalleryEntry(
        folder=name,
        name=plan.name if plan.name == name else f"{plan.name} (in {name})",
        state="running",
        frames=len(finished),
        frame_count=plan.frame_count,
        description=plan.description,
        started_at=began.get(plan.name, ""),
    )
    if lock_holder(job.folder):
        return entry
    summary = job.summary_for_pages(len(finished))
    return replace(
        entry,
        state=summary.state,
        seconds=summary.seconds,
        started_at=summary.started_at,
        error=summary.error,
    )


def _refused(path: Path, error: ManifestError) -> GalleryEntry:
    """Return the card of a refused manifest; its error names the file relative to its folder."""
    first, *_ = error.problems
    message = str(replace(first, where=first.where.removeprefix(f"{path.parent}/")))
    return GalleryEntry(
        folder=path.name,
        name=path.name,
        state="refused",
        frames=0,
        frame_count=0,
        error=_with_count(message, error),
        report=False,
    )


def _unreadable(name: str, error: FarmError) -> GalleryEntry:
    message = _with_count(str(error.problems[0]), error) if isinstance(error, ManifestError) else str(error)
    return GalleryEntry(folder=name, name=name, state="unreadable", frames=0, frame_count=0, error=message)


def _with_count(message: str, error: ManifestError) -> str:
    more = len(error.problems) - 1
    return f"{message} {more} more mistake{'s' if more > 1 else ''}." if more else message


def build_report(url: str) -> str:
    """Write the page of the job at `url`, or the gallery of the jobs in its subfolders, and return the page's path.

    Raises:
        UsageError: if it is neither, contains symbolic links, or the job has too many frames.
        ManifestError: if the job's manifest is invalid.
        StorageError: if the page cannot be written, or a run holds the job and updates the page itself.
    """
    folder = JobFolder(url)
    if folder.is_local and Path(folder.path("")).is_file():
        raise UsageError(f"{url}: is a file; needed: a job's output folder, or a folder of jobs.")
    if folder.exists(_MANIFEST):
        job = open_finished(url)
        refuse_too_long(job)
        lock = FolderLock(job.folder).acquire()
        try:
            job.folder.sweep()
            finished = [frame.index for frame, _ in job.frames()]
            write_page(job, finished, findings_in(job.plan, job.folder, job.analyzed_frames()))
        finally:
            lock.release()
        return job.folder.path("report.html")
    page = gallery(url)
    if not page:
        raise UsageError(f"{url}: neither a job's folder nor a folder of jobs: it has no {_MANIFEST}.")
    return page


def write_page(job: FinishedJob, finished: Sequence[int], findings: Findings | None) -> None:
    """Write a job's page and preview of its `finished` frames.

    Raises:
        StorageError: if they cannot be written.
    """
    write_report(job.folder, page_of(job.plan, finished, job.summary_for_pages(len(finished)), findings))
    write_preview(job.folder, finished)
