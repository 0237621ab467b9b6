"""`farm analyze` and `farm report`: measure finished frames, and write a job's page."""

from __future__ import annotations

import contextlib
import dataclasses
import sys
from typing import Annotated

import typer

from farm.api import make_executor
from farm.cli.options import (
    Address,
    AllowInputs,
    AllowModels,
    Inline,
    JobUrl,
    Json,
    Set,
    Untrusted,
    Workers,
    read_policy,
)
from farm.cli.output import echo, echo_json
from farm.results import EXIT_CODES, build_report
from farm.run import analyze_job


def analyze(
    folder: JobUrl,
    overrides: Set = None,
    allow_inputs: AllowInputs = None,
    allow_models: AllowModels = None,
    untrusted: Untrusted = False,
    workers: Workers = None,
    address: Address = None,
    inline: Inline = False,
    as_json: Json = False,
) -> None:
    """Measure finished frames and print the insights.

    The `analysis` section of the job's manifest says what to measure. Frames are read, never changed; measurements
    that exist are reused. Exit code 3 if frames are missing.
    """
    reads = read_policy(allow_inputs, allow_models, untrusted=untrusted)
    executor = make_executor([], workers=workers, address=address, inline=inline)
    with contextlib.redirect_stdout(sys.stderr):  # where Ray reports dead workers
        analyzed = analyze_job(folder, executor, overrides or (), reads=reads)
    insights = analyzed.findings.insights
    if as_json:
        columns = [column.name for column in analyzed.findings.columns]
        head = {
            "name": analyzed.name,
            "planned": analyzed.planned,
            "frames": analyzed.frames,
            "columns": columns,
        }
        echo_json(head | dataclasses.asdict(insights))
    else:
        echo(f"{analyzed.name}: {analyzed.frames} of {analyzed.planned} frames measured")
        for sentence in insights.sentences:
            echo(f"  {sentence.text}")
    raise typer.Exit(0 if analyzed.frames == analyzed.planned else EXIT_CODES["partial"])


def report(
    folder: Annotated[
        str, typer.Argument(help="Output folder or URL of a job, or a folder of jobs.", metavar="DIR")
    ],
    as_json: Json = False,
) -> None:
    """Write the report of a job, or the gallery of a folder of jobs.

    Prints the path of the page.
    """
    page = build_report(folder)
    if as_json:
        echo_json({"page": page})
    else:
        echo(page)
