"""Jobs on a cluster, through the Jobs API of its dashboard: submit a manifest, follow it, list and cancel jobs.

Only the manifest is sent, and input pictures from its folder or below. The cluster must have the farm installed, and
models, other pictures and outputs at the paths in the manifest.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import shlex
import tempfile
import time
import urllib.request
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from ray.exceptions import AuthenticationError
from ray.job_submission import JobDetails, JobStatus, JobSubmissionClient

from farm.errors import ClusterError, FarmError, Interrupted, UsageError
from farm.execute.ray.security import refuse_old_ray, warn_of_no_token
from farm.execute.ray.submission import stage_working_dir

_POLL_SECONDS = 1.0
_PROBE_SECONDS = 5.0
_MANIFEST = "farm_manifest"
"""Key of a job's metadata."""
_VERBOSE_LOGGERS = (  # they log every upload, and every closed socket
    "ray.dashboard.modules.dashboard_sdk",
    "ray.dashboard.modules.job.sdk",
    "ray._private.runtime_env.packaging",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterJob:
    """A job as the cluster reports it, with the file name of the manifest that was submitted.

    Times are in seconds since 1970; `exit_code` is None until the job ends.
    """

    job_id: str
    status: str
    entrypoint: str
    message: str
    started: float | None
    ended: float | None
    exit_code: int | None
    manifest: str = ""


class JobsClient:
    """The Jobs API at `address`, such as `http://head:8265`.

    `token` is the cluster's auth token; without it, Ray looks for one (RAY_AUTH_MODE=token with RAY_AUTH_TOKEN,
    RAY_AUTH_TOKEN_PATH or ~/.ray/auth_token).

    Raises:
        ClusterError: from any method, when the cluster cannot be reached, rejects the token, or runs too old a Ray.
        UsageError: from any method, when there is no such job.
    """

    def __init__(self, address: str, token: str | None = None) -> None:
        if not address.startswith(("http://", "https://")):
            raise UsageError(
                f"--address {address}: expected the URL of a dashboard, such as http://head:8265."
            )
        self.address = address
        token = token or os.environ.get("RAY_AUTH_TOKEN")
        for name in _VERBOSE_LOGGERS:
            logging.getLogger(name).setLevel(logging.WARNING)
        headers = {"Authorization": f"Bearer {token}"} if token else None
        with self._translate_errors():
            self._client = JobSubmissionClient(address, headers=headers)
        refuse_old_ray(self._client._server_ray_version, address)
        if _requires_no_token(address):
            warn_of_no_token(address)

    def submit(self, manifest: Path, entrypoint: str, pictures: Iterable[Path] = ()) -> str:
        """Send a manifest, start `entrypoint` in the folder that receives it, and return the job's id.

        `pictures` are files in the manifest's folder or below. `submission.unpack_submission` restores their names.

        Raises:
            UsageError: when the pictures exceed the size that a dashboard accepts.
        """
        with tempfile.TemporaryDirectory(prefix="farm-submit-") as working_dir:
            stage_working_dir(manifest, pictures, Path(working_dir))
            with self._translate_errors():
                return self._client.submit_job(
                    entrypoint=entrypoint,
                    runtime_env={"working_dir": working_dir},
                    metadata={_MANIFEST: manifest.name},
                )

    def jobs(self) -> list[ClusterJob]:
        """Return the submitted jobs, latest first."""
        with self._translate_errors():
            jobs = [_cluster_job(details) for details in self._client.list_jobs() if details.submission_id]
        return sorted(jobs, key=lambda job: job.started or 0, reverse=True)

    def job(self, job_id: str) -> ClusterJob:
        """Return one job."""
        with self._translate_errors(job_id):
            return _cluster_job(self._client.get_job_info(job_id))

    def logs(self, job_id: str) -> str:
        """Return everything that the job printed."""
        with self._translate_errors(job_id):
            return self._client.get_job_logs(job_id)

    def follow(self, job_id: str, out: TextIO) -> int:
        """Copy the job's output to `out` until the job ends, and return its exit code.

        Raises:
            Interrupted: on Ctrl-C; the job continues.
        """

        async def copy() -> None:
            async for text in self._client.tail_job_logs(job_id):
                out.write(text)
                out.flush()

        with self._translate_errors(job_id), self._detach_on_interrupt(job_id):
            asyncio.run(copy())
            return self.wait(job_id)

    def wait(self, job_id: str) -> int:
        """Wait for the job to end, and return its exit code: 130 for a cancelled job.

        Raises:
            Interrupted: on Ctrl-C; the job continues.
        """
        with self._detach_on_interrupt(job_id):
            while (code := self.job(job_id).exit_code) is None:
                time.sleep(_POLL_SECONDS)
            return code

    def cancel(self, job_id: str) -> bool:
        """Stop a job, and return whether it was still running.

        Ray sends SIGTERM, and SIGKILL after 3 seconds (RAY_JOB_STOP_WAIT_TIME_S on the head).
        """
        with self._translate_errors(job_id):
            return bool(self._client.stop_job(job_id))

    @contextlib.contextmanager
    def _detach_on_interrupt(self, job_id: str) -> Iterator[None]:
        try:
            yield
        except KeyboardInterrupt:
            arguments = (
                f"{shlex.quote(job_id)} --address {shlex.quote(self.address)}"  # anyone may choose an id
            )
            raise Interrupted(
                f"{job_id} continues on the cluster. To show its output: farm jobs logs {arguments}; "
                f"to stop it: farm jobs cancel {arguments}"
            ) from None

    @contextlib.contextmanager
    def _translate_errors(self, job_id: str = "") -> Iterator[None]:
        try:
            yield
        except AuthenticationError as error:
            raise ClusterError(
                f"{self.address}: the cluster rejected the auth token. Set RAY_AUTH_TOKEN to the output of "
                "`ray get-auth-token` on the head."
            ) from error
        except (RuntimeError, OSError) as error:  # the client's ConnectionError is an OSError
            if job_id and "404" in str(error):
                raise UsageError(f"{self.address}: no job {job_id}; see farm jobs list.") from error
            raise ClusterError(
                f"{self.address}: {error}\nIs the head's dashboard running, and reachable from here (port 8265)?"
            ) from error


def _requires_no_token(address: str) -> bool:
    """Return whether the dashboard answers a request without a token."""
    try:
        with urllib.request.urlopen(f"{address.rstrip('/')}/api/jobs/", timeout=_PROBE_SECONDS):
            return True
    except (OSError, ValueError):  # an HTTP error status is an OSError, too
        return False


def _cluster_job(details: JobDetails) -> ClusterJob:
    return ClusterJob(
        job_id=details.submission_id or "",
        status=str(details.status.value),
        entrypoint=details.entrypoint,
        message=(details.message or "").partition("\n")[0],
        started=details.start_time / 1000 if details.start_time else None,
        ended=details.end_time / 1000 if details.end_time else None,
        exit_code=_exit_code(details),
        manifest=(details.metadata or {}).get(_MANIFEST, ""),
    )


def _exit_code(details: JobDetails) -> int | None:
    if not details.status.is_terminal():
        return None
    if details.status == JobStatus.SUCCEEDED:
        return 0
    if details.status == JobStatus.STOPPED:
        return Interrupted.exit_code
    code = details.driver_exit_code or FarmError.exit_code
    return code if code > 0 else 128 - code  # killed by a signal: what a shell reports
