"""Pages about what lies in folders: of one job, and of all the jobs beside each other."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from farm.errors import FarmError, UsageError
from farm.reduce import read_summary
from farm.report import GalleryEntry, write_gallery, write_preview, write_report
from farm.run.finished.rendered import Rendered, read_rendered
from farm.run.measure.findings import Findings, findings_of
from farm.run.pages.page import page_of
from farm.store import Claim, JobFolder

_MANIFEST = "manifest.yaml"


def rereport(url: str) -> str:
    """Write the page of the job in `url`, or the gallery of the jobs in its folders, and return the page's path.

    Raises:
        UsageError: when it is neither, or parts of it are links.
        ManifestError: when the job's manifest was changed into one that is wrong.
        StorageError: when the page cannot be written, or a run holds the job: it keeps the page up to date itself.
    """
    folder = JobFolder(url)
    if folder.exists(_MANIFEST):
        job = read_rendered(url)
        claim = Claim(job.folder).take()
        try:
            job.folder.sweep()
            there = [frame.index for frame, _ in job.frames()]
            write_page(job, there, findings_of(job.plan, job.folder, job.shown()))
        finally:
            claim.release()
        return job.folder.path("report.html")
    page = gallery(url)
    if not page:
        raise UsageError(f"{url}: neither a job's folder nor a folder of jobs: it holds no {_MANIFEST}.")
    return page


def gallery(url: str) -> str:
    """Write the gallery of the jobs in the folders of `url`, and return its path; empty where there is no job.

    Raises:
        StorageError: when it cannot be written.
    """
    folder = JobFolder(url)
    entries = _jobs_in(folder)
    if not entries:
        return ""
    title = folder.path("").rstrip("/").rsplit("/", 1)[-1]
    write_gallery(folder, entries, title=title, written_at=_now())
    return folder.path("index.html")


def write_page(job: Rendered, there: Sequence[int], findings: Findings | None) -> None:
    """Write a job's page and preview.

    Raises:
        StorageError: when they cannot be written.
    """
    write_report(job.folder, page_of(job.plan, there, job.summary(len(there)), findings))
    write_preview(job.folder, there)


def _jobs_in(folder: JobFolder) -> list[GalleryEntry]:
    """Return the jobs in the folders of `folder`, by name, those that cannot be read included."""
    names = [name for name in folder.folders("") if not name.startswith(".")]
    return [_entry(folder, name) for name in names if folder.exists(f"{name}/{_MANIFEST}")]


def _entry(folder: JobFolder, name: str) -> GalleryEntry:
    has_report = folder.exists(f"{name}/report.html")
    try:
        job = read_rendered(folder.path(name))
        there = (
            sum(1 for _ in job.frames())
            if (summary := read_summary(job.folder)) is None
            else summary.frames.there
        )
        summary = summary or job.summary(there)
    except FarmError as error:
        return GalleryEntry(
            folder=name,
            name=name,
            state="unreadable",
            frames=0,
            frame_count=0,
            error=str(error),
            report=has_report,
        )
    return GalleryEntry(
        folder=name,
        name=job.plan.name,
        state=summary.state,
        frames=there,
        frame_count=job.plan.frame_count,
        description=job.plan.description,
        seconds=summary.seconds,
        started_at=summary.started_at,
        error=summary.error,
        report=has_report,
    )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
