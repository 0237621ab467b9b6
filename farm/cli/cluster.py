"""`farm submit` and `farm jobs`: run manifests on a cluster through its dashboard."""

from __future__ import annotations

import dataclasses
import shlex
import sys
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, TextIO, cast

import typer

from farm import api
from farm.cli.options import (
    AllowInputs,
    AllowModels,
    ChunksPerShard,
    Json,
    MaxFailedFrames,
    OneManifest,
    Procedural,
    Set,
    Workers,
)
from farm.cli.output import echo, echo_json, format_table, note_nothing_started
from farm.console import errors
from farm.errors import masked
from farm.execute import SUBMISSION, jobs_client
from farm.execute.ray.security import sends_token_in_plain
from farm.run import relative_pictures
from farm.terminal import LogStream, readable_log
from farm.units import format_duration

if TYPE_CHECKING:
    from farm.execute.ray.jobs_client import ClusterJob, JobsClient

jobs = typer.Typer(help="Manage jobs submitted to a cluster.", no_args_is_help=True, add_completion=False)

Dashboard = Annotated[
    str,
    typer.Option(
        "--address",
        envvar="RAY_API_SERVER_ADDRESS",
        metavar="URL",
        help="URL of the cluster's dashboard: http://head:8265.",
    ),
]
JobId = Annotated[str, typer.Argument(help="Job id, as printed by submit and jobs list.", metavar="JOB")]


def submit(
    manifest: OneManifest,
    address: Dashboard,
    output_dir: Annotated[
        str,
        typer.Option(
            "--output-dir",
            "-o",
            metavar="DIR",
            help="Output folder on the cluster, shared by all nodes, or a URL.",
        ),
    ] = "~/farm-out",
    overrides: Set = None,
    workers: Workers = None,
    procedural: Procedural = False,
    chunks_per_shard: ChunksPerShard = None,
    cache_dir: Annotated[
        str | None,
        typer.Option(
            "--cache-dir",
            metavar="DIR",
            help="Cache frames for other jobs in this folder, shared by all nodes.",
        ),
    ] = None,
    cache_gb: Annotated[
        float | None, typer.Option("--cache-gb", min=0.001, max=1e6, metavar="GB", help="Maximum cache size.")
    ] = None,
    chunk_timeout: Annotated[
        float | None,
        typer.Option("--chunk-timeout", min=1.0, metavar="SECONDS", help="As in farm render."),
    ] = None,
    max_failed_frames: MaxFailedFrames = None,
    allow_inputs: AllowInputs = None,
    allow_models: AllowModels = None,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Follow the log until the job ends.")] = True,
) -> None:
    """Submit a manifest to a cluster and follow its log.

    Exits with the exit code of the job. Ray reads the cluster's auth token from RAY_AUTH_TOKEN or its other usual
    places. On the cluster, the manifest may read the pictures submitted with it, shipped checkpoints, hub models,
    and what --allow-inputs, --allow-models, and FARM_ALLOW_INPUTS and FARM_ALLOW_MODELS on the head allow.
    """
    with note_nothing_started():
        pictures = relative_pictures(api.load(manifest, overrides=overrides or ()))
    client = _client(address)
    options = {
        "workers": workers,
        "chunks-per-shard": chunks_per_shard,
        "cache-dir": cache_dir,
        "cache-gb": cache_gb,
        "chunk-timeout": chunk_timeout,
        "max-failed-frames": max_failed_frames,
    }
    arguments = [f"--set={change}" for change in overrides or []]
    arguments += [f"--{name}={value}" for name, value in options.items() if value is not None]
    arguments += [f"--allow-inputs={folder}" for folder in allow_inputs or ()]
    arguments += [f"--allow-models={pattern}" for pattern in allow_models or ()]
    arguments += ["--procedural"] if procedural else []
    job = client.submit(manifest, entrypoint(output_dir, arguments), pictures)
    errors.print(f"submitted as {job}", soft_wrap=True)
    if not wait:
        echo(job)
        return
    raise typer.Exit(client.follow(job, cast(TextIO, LogStream(sys.stdout))))


@jobs.command("list")
def list_jobs(address: Dashboard, as_json: Json = False) -> None:
    """List submitted jobs, most recent first."""
    found = _client(address).jobs()
    if as_json:
        echo_json([dataclasses.asdict(job) for job in found])
    else:
        echo(
            format_table([("job", "state", "started", "duration", "manifest", "command"), *map(_row, found)])
        )


@jobs.command()
def wait(job: JobId, address: Dashboard) -> None:
    """Wait for a job to end, and exit with its exit code."""
    raise typer.Exit(_client(address).wait(job))


@jobs.command()
def logs(
    job: JobId,
    address: Dashboard,
    follow: Annotated[
        bool,
        typer.Option(
            "--follow", "-f", help="Follow the log until the job ends, and exit with its exit code."
        ),
    ] = False,
) -> None:
    """Print the log of a job."""
    client = _client(address)
    if follow:
        raise typer.Exit(client.follow(job, cast(TextIO, LogStream(sys.stdout))))
    echo(readable_log(client.logs(job)).rstrip("\n"))


@jobs.command()
def cancel(job: JobId, address: Dashboard) -> None:
    """Stop a job. Its finished frames are kept; submit the same manifest to resume."""
    echo(f"{job}: cancelled" if _client(address).cancel(job) else f"{job}: already ended")


def entrypoint(output_dir: str, options: list[str]) -> str:
    """Return the shell command that renders the submission on the cluster, with these options of `farm render`.

    It runs the Python at the path of the current one if the head has it, else the head's `python`, and imports nothing
    from the working directory.
    """
    here = shlex.quote(sys.executable)
    in_home = output_dir.startswith("~/")  # expanded by the cluster's shell
    folder = f"~/{shlex.quote(output_dir[2:])}" if in_home else shlex.quote(output_dir)
    return (
        f"$(test -x {here} && echo {here} || command -v python) -P -m farm.cli.submitted "
        f'"$PWD/{SUBMISSION}" {shlex.join([*options, "--output-dir"])} {folder}'
    )


def _client(address: str) -> JobsClient:
    if sends_token_in_plain(address):
        errors.print(
            f"{masked(address)}: the auth token would be sent unencrypted. Use https://, or forward the port through "
            "SSH (ray dashboard, or ssh -N -L 8265:127.0.0.1:8265 HEAD) and use http://127.0.0.1:8265.",
            soft_wrap=True,
            style="yellow" if errors.is_terminal else "",
        )
    return jobs_client(address)


def _row(job: ClusterJob) -> tuple[str, ...]:
    started = datetime.fromtimestamp(job.started).strftime("%Y-%m-%d %H:%M") if job.started else ""
    took = format_duration(job.ended - job.started) if job.started and job.ended else ""
    return job.job_id, job.status.lower(), started, took, job.manifest, job.entrypoint
