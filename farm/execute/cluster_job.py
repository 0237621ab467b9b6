"""What a cluster tells of a job."""

from __future__ import annotations

from dataclasses import dataclass

from ray.job_submission import JobDetails, JobStatus

from farm.errors import FarmError, Interrupted

MANIFEST = "farm_manifest"
"""Of a job's metadata."""
_STOPPED = Interrupted.exit_code


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterJob:
    """A job as the cluster knows it, with the name of the manifest that was submitted.

    Times are seconds since 1970; `exit_code` is None until it ended.
    """

    job_id: str
    status: str
    entrypoint: str
    message: str
    started: float | None
    ended: float | None
    exit_code: int | None
    manifest: str = ""


def job_of(details: JobDetails) -> ClusterJob:
    """Return the job that Ray describes."""
    return ClusterJob(
        job_id=details.submission_id or "",
        status=str(details.status.value),
        entrypoint=details.entrypoint,
        message=(details.message or "").partition("\n")[0],
        started=details.start_time / 1000 if details.start_time else None,
        ended=details.end_time / 1000 if details.end_time else None,
        exit_code=_exit_code(details),
        manifest=(details.metadata or {}).get(MANIFEST, ""),
    )


def _exit_code(details: JobDetails) -> int | None:
    if not details.status.is_terminal():
        return None
    if details.status == JobStatus.SUCCEEDED:
        return 0
    if details.status == JobStatus.STOPPED:
        return _STOPPED
    code = details.driver_exit_code or FarmError.exit_code
    return code if code > 0 else 128 - code  # killed by a signal: what a shell would say
