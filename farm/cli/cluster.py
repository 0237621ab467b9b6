"""Verbs that talk to a cluster's dashboard: submit, and jobs list, wait, logs, cancel."""

from __future__ import annotations

import dataclasses
import shlex
import sys
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, TextIO, cast

import typer

from farm.cli.look import Json
from farm.cli.options import (
    AllowInputs,
    AllowModels,
    ChunksPerShard,
    MaxFailedFrames,
    OneManifest,
    Procedural,
    Set,
    Workers,
)
from farm.cli.speech import errors, or_nothing_started, say, say_json, table
from farm.cli.terminal import LogStream, readable_log
from farm.errors import masked
from farm.execute import jobs_client
from farm.execute.plain_http import sends_token_in_plain
from farm.execute.submission import INDEX as SUBMISSION
from farm.rules.load import load
from farm.run import pictures_beside
from farm.units import format_duration

if TYPE_CHECKING:
    from farm.execute.cluster_job import ClusterJob
    from farm.execute.submit import JobsClient

jobs = typer.Typer(help="Look after jobs that were submitted to a cluster.", no_args_is_help=True)

Dashboard = Annotated[
    str,
    typer.Option(
        "--address", envvar="RAY_API_SERVER_ADDRESS", help="The head's dashboard: http://head:8265."
    ),
]
JobId = Annotated[str, typer.Argument(help="The job's id, as submit and list tell it.", metavar="JOB")]


def submit(
    manifest: OneManifest,
    address: Dashboard,
    output_dir: Annotated[
        str,
        typer.Option(
            "--output-dir", "-o", help="Where on the cluster: a folder that all nodes share, or a URL."
        ),
    ] = "~/farm-out",
    overrides: Set = None,
    workers: Workers = None,
    procedural: Procedural = False,
    chunks_per_shard: ChunksPerShard = None,
    cache_dir: Annotated[
        str | None,
        typer.Option("--cache-dir", help="Share frames between jobs in this folder, which all nodes share."),
    ] = None,
    cache_gb: Annotated[
        float | None, typer.Option("--cache-gb", min=0.001, max=1e6, help="What it may take.")
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
    """Submit a manifest to a cluster, follow its log, and exit with its code.

    The cluster's token is taken from RAY_AUTH_TOKEN, or where else Ray looks for it. There, the manifest may read the
    pictures that are sent with it, shipped checkpoints and hub models, and what --allow-inputs, --allow-models and the
    head's FARM_ALLOW_INPUTS and FARM_ALLOW_MODELS allow.
    """
    with or_nothing_started():
        pictures = pictures_beside(load(manifest, overrides or ()))
    client = _client(address)
    options = {
        "workers": workers,
        "chunks-per-shard": chunks_per_shard,
        "cache-dir": cache_dir,
        "cache-gb": cache_gb,
        "chunk-timeout": chunk_timeout,
        "max-failed-frames": max_failed_frames,
    }
    words = [f"--set={change}" for change in overrides or []]
    words += [f"--{name}={value}" for name, value in options.items() if value is not None]
    words += [f"--allow-inputs={folder}" for folder in allow_inputs or ()]
    words += [f"--allow-models={pattern}" for pattern in allow_models or ()]
    words += ["--procedural"] if procedural else []
    job = client.submit(manifest, entrypoint(output_dir, words), pictures)
    errors.print(f"submitted as {job}", soft_wrap=True)
    if not wait:
        say(job)
        return
    raise typer.Exit(client.follow(job, cast(TextIO, LogStream(sys.stdout))))


@jobs.command("list")
def list_jobs(address: Dashboard, as_json: Json = False) -> None:
    """List submitted jobs, the latest first."""
    found = _client(address).jobs()
    if as_json:
        say_json([dataclasses.asdict(job) for job in found])
    else:
        say(table([("job", "state", "began", "took", "manifest", "command"), *map(_row, found)]))


@jobs.command()
def wait(job: JobId, address: Dashboard) -> None:
    """Wait until a job ends, and exit with its code."""
    raise typer.Exit(_client(address).wait(job))


@jobs.command()
def logs(
    job: JobId,
    address: Dashboard,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on until it ends, and exit with its code.")
    ] = False,
) -> None:
    """Print what a job has printed."""
    client = _client(address)
    if follow:
        raise typer.Exit(client.follow(job, cast(TextIO, LogStream(sys.stdout))))
    say(readable_log(client.logs(job)).rstrip("\n"))


@jobs.command()
def cancel(job: JobId, address: Dashboard) -> None:
    """Stop a job. Its finished frames stay; submitting the same manifest goes on from there."""
    say(f"{job}: cancelled" if _client(address).cancel(job) else f"{job}: had already ended")


def entrypoint(output_dir: str, options: list[str]) -> str:
    """Return the shell command that renders what was submitted, on the cluster, with these options of `farm render`.

    Its Python is the one at this one's path, where the head has the same layout, else the head's `python`. It imports
    nothing from the directory that it is started in.
    """
    here = shlex.quote(sys.executable)
    home = output_dir.startswith("~/")  # left to the cluster's shell, whose home is meant
    folder = f"~/{shlex.quote(output_dir[2:])}" if home else shlex.quote(output_dir)
    return (
        f"$(test -x {here} && echo {here} || command -v python) -P -m farm.cli.submitted "
        f'"$PWD/{SUBMISSION}" {shlex.join([*options, "--output-dir"])} {folder}'
    )


def _client(address: str) -> JobsClient:
    if sends_token_in_plain(address):
        errors.print(
            f"{masked(address)} is not encrypted: the cluster's token can be read on the way. Use https://, or forward "
            "the port through SSH (ray dashboard, or ssh -N -L 8265:127.0.0.1:8265 HEAD) and give http://127.0.0.1:8265.",
            soft_wrap=True,
            style="yellow" if errors.is_terminal else "",
        )
    return jobs_client(address)


def _row(job: ClusterJob) -> tuple[str, ...]:
    began = datetime.fromtimestamp(job.started).strftime("%Y-%m-%d %H:%M") if job.started else ""
    took = format_duration(job.ended - job.started) if job.started and job.ended else ""
    return job.job_id, job.status.lower(), began, took, job.manifest, job.entrypoint
