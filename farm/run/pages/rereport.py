"""Pages written again from what lies in folders: of one job, or of all the jobs beside each other."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from farm.errors import UsageError
from farm.report import write_preview, write_report
from farm.run.finished.rendered import Rendered, read_rendered, refuse_too_long
from farm.run.measure.findings import Findings, findings_in
from farm.run.pages.gallery import gallery
from farm.run.pages.page import page_of
from farm.store import FolderLock, JobFolder

_MANIFEST = "manifest.yaml"


def rereport(url: str) -> str:
    """Write the page of the job in `url`, or the gallery of the jobs in its folders, and return the page's path.

    Raises:
        UsageError: when it is neither, parts of it are links, or the job has too many frames.
        ManifestError: when the job's manifest was changed into one that is wrong.
        StorageError: when the page cannot be written, or a run holds the job: it keeps the page up to date itself.
    """
    folder = JobFolder(url)
    if folder.is_local and Path(folder.path("")).is_file():
        raise UsageError(f"{url}: is a file; give a job's output folder, or a folder of them.")
    if folder.exists(_MANIFEST):
        job = read_rendered(url)
        refuse_too_long(job)
        claim = FolderLock(job.folder).acquire()
        try:
            job.folder.sweep()
            there = [frame.index for frame, _ in job.frames()]
            write_page(job, there, findings_in(job.plan, job.folder, job.shown()))
        finally:
            claim.release()
        return job.folder.path("report.html")
    page = gallery(url)
    if not page:
        raise UsageError(f"{url}: neither a job's folder nor a folder of jobs: it holds no {_MANIFEST}.")
    return page


def write_page(job: Rendered, there: Sequence[int], findings: Findings | None) -> None:
    """Write a job's page and preview.

    Raises:
        StorageError: when they cannot be written.
    """
    write_report(job.folder, page_of(job.plan, there, job.summary_for_pages(len(there)), findings))
    write_preview(job.folder, there)
