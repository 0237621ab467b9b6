"""Jobs on a cluster, through its dashboard's Jobs API: send a manifest, follow it, look after it.

Only the manifest travels, and input pictures beside or below it, under names of the farm's own. The cluster has the
farm installed, and models, other pictures and outputs where the manifest says.
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
from pathlib import Path
from typing import TextIO

from ray.exceptions import AuthenticationError
from ray.job_submission import JobSubmissionClient

from farm.errors import ClusterError, Interrupted, UsageError
from farm.execute.cluster_job import MANIFEST, ClusterJob, job_of
from farm.execute.ray_safety import refuse_old_ray, warn_of_no_token
from farm.execute.submission import pack

_POLL_SECONDS = 1.0
_PROBE_SECONDS = 5.0
_CHATTY = (  # these tell of every upload, and of every socket that closes
    "ray.dashboard.modules.dashboard_sdk",
    "ray.dashboard.modules.job.sdk",
    "ray._private.runtime_env.packaging",
)


class JobsClient:
    """The Jobs API at `address`, such as `http://head:8265`.

    `token` is the cluster's; without one, Ray's own ways of finding it count (RAY_AUTH_MODE=token with
    RAY_AUTH_TOKEN, RAY_AUTH_TOKEN_PATH or ~/.ray/auth_token).

    Raises:
        ClusterError: from any method, when the cluster cannot be reached, does not let us in, or has too old a Ray.
        UsageError: from any method, when there is no such job.
    """

    def __init__(self, address: str, token: str | None = None) -> None:
        if not address.startswith(("http://", "https://")):
            raise UsageError(f"--address {address}: give the dashboard's URL, such as http://head:8265.")
        self.address = address
        token = token or os.environ.get("RAY_AUTH_TOKEN")
        for chatty in _CHATTY:
            logging.getLogger(chatty).setLevel(logging.WARNING)
        headers = {"Authorization": f"Bearer {token}"} if token else None
        with self._talking():
            self._client = JobSubmissionClient(address, headers=headers)
        refuse_old_ray(self._client._server_ray_version, address)
        if _is_open_to_all(address):
            warn_of_no_token(address)

    def submit(self, manifest: Path, entrypoint: str, pictures: Iterable[Path] = ()) -> str:
        """Send a manifest, and start `entrypoint` in a directory that holds it; return the job's id.

        `pictures` are files in the manifest's folder or below it. `submission.unpack` finds all of them there.

        Raises:
            UsageError: when the pictures are more than a dashboard takes.
        """
        with tempfile.TemporaryDirectory(prefix="farm-submit-") as working_dir:
            pack(manifest, pictures, Path(working_dir))
            with self._talking():
                return self._client.submit_job(
                    entrypoint=entrypoint,
                    runtime_env={"working_dir": working_dir},
                    metadata={MANIFEST: manifest.name},
                )

    def jobs(self) -> list[ClusterJob]:
        """Return the jobs that were submitted, the latest first."""
        with self._talking():
            found = [job_of(details) for details in self._client.list_jobs() if details.submission_id]
        return sorted(found, key=lambda job: job.started or 0, reverse=True)

    def job(self, job_id: str) -> ClusterJob:
        """Return what is known of one job."""
        with self._talking(job_id):
            return job_of(self._client.get_job_info(job_id))

    def logs(self, job_id: str) -> str:
        """Return all that the job printed."""
        with self._talking(job_id):
            return self._client.get_job_logs(job_id)

    def follow(self, job_id: str, out: TextIO) -> int:
        """Copy what the job prints to `out` until it ends; return its exit code.

        Raises:
            Interrupted: on Ctrl-C; the job goes on.
        """

        async def copy() -> None:
            async for text in self._client.tail_job_logs(job_id):
                out.write(text)
                out.flush()

        with self._talking(job_id), self._leaving_it(job_id):
            asyncio.run(copy())
            return self.wait(job_id)

    def wait(self, job_id: str) -> int:
        """Return the job's exit code once it has ended: 130 for a job that was cancelled.

        Raises:
            Interrupted: on Ctrl-C; the job goes on.
        """
        with self._leaving_it(job_id):
            while (code := self.job(job_id).exit_code) is None:
                time.sleep(_POLL_SECONDS)
            return code

    def cancel(self, job_id: str) -> bool:
        """Stop a job; tell whether it was still running.

        Ray sends SIGTERM, and SIGKILL after 3 seconds (RAY_JOB_STOP_WAIT_TIME_S on the head).
        """
        with self._talking(job_id):
            return bool(self._client.stop_job(job_id))

    @contextlib.contextmanager
    def _leaving_it(self, job_id: str) -> Iterator[None]:
        try:
            yield
        except KeyboardInterrupt:
            words = f"{shlex.quote(job_id)} --address {shlex.quote(self.address)}"  # an id may be anybody's choice
            raise Interrupted(
                f"{job_id} goes on without you. To look again: farm jobs logs {words}; "
                f"to stop it: farm jobs cancel {words}"
            ) from None

    @contextlib.contextmanager
    def _talking(self, job_id: str = "") -> Iterator[None]:
        try:
            yield
        except AuthenticationError as error:
            raise ClusterError(
                f"{self.address}: the cluster wants another token than it was given. Set RAY_AUTH_TOKEN to the one "
                "that `ray get-auth-token` prints on the head."
            ) from error
        except (RuntimeError, OSError) as error:  # the client's ConnectionError is an OSError
            if job_id and "404" in str(error):
                raise UsageError(f"{self.address}: there is no job {job_id}; see farm jobs list.") from error
            raise ClusterError(
                f"{self.address}: {error}\nIs the head's dashboard up and reachable from here (port 8265)?"
            ) from error


def _is_open_to_all(address: str) -> bool:
    """Whether the dashboard answers without a token."""
    try:
        with urllib.request.urlopen(f"{address.rstrip('/')}/api/jobs/", timeout=_PROBE_SECONDS):
            return True
    except (OSError, ValueError):  # an HTTP status that says no is an OSError too
        return False
