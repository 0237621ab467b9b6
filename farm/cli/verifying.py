"""`farm verify`: are the frames that lie there still those that their recipes give?"""

from __future__ import annotations

import contextlib
import dataclasses
import sys
from typing import Annotated

import typer

from farm.cli.findings import verified
from farm.cli.interruption import interruption
from farm.cli.look import Json
from farm.cli.options import (
    Address,
    AllowInputs,
    AllowModels,
    Inline,
    Untrusted,
    Workers,
    make_executor,
    read_policy,
)
from farm.cli.progress import ProgressView
from farm.cli.speech import errors, say, say_json
from farm.errors import UsageError
from farm.events import Event, JobFinished
from farm.results import Finding, Verdict, Verification, finished_job
from farm.results import verify as verify_job

_SAMPLE = 12


def verify(
    folder: Annotated[str, typer.Argument(help="A job's output folder or URL.", metavar="DIR")],
    sample: Annotated[
        int | None,
        typer.Option(
            "--sample",
            min=1,
            metavar="N",
            help=f"Check N frames ({_SAMPLE} unless told), evenly spread from the first to the last. A whole chunk is "
            "rendered for each, since a frame has its slot in it, and all frames of it are compared.",
        ),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Check every frame.")] = False,
    allow_inputs: AllowInputs = None,
    allow_models: AllowModels = None,
    untrusted: Untrusted = False,
    workers: Workers = None,
    address: Address = None,
    inline: Inline = False,
    as_json: Json = False,
) -> None:
    """Render frames of a job again and compare them, bit for bit, with those that are there.

    The model and the input pictures must be there as they were. Nothing of the job is changed.
    Exit codes: 0 all are identical;
    1 some differ or were altered, or none could be compared;
    3 none differs, but some are missing or could not be rendered.
    """
    if every and sample is not None:
        raise UsageError("--all checks every frame; leave out --sample.")
    job = finished_job(folder, reads=read_policy(allow_inputs, allow_models, untrusted=untrusted))
    executor = make_executor([job], workers=workers, address=address, inline=inline)
    # Ray prints to standard output when a worker dies; that is no data.
    with ProgressView(errors) as view, contextlib.redirect_stdout(sys.stderr):

        def tell(event: Event) -> None:
            view(event)
            if not isinstance(event, JobFinished):
                interruption.check()

        found = verify_job(job, executor, tell, sample=None if every else sample or _SAMPLE)
    if as_json:
        say_json(_data(found))
    else:
        say(verified(found))
    raise typer.Exit(found.exit_code)


def _data(found: Verification) -> dict[str, object]:
    return {
        "name": found.name,
        "folder": found.folder,
        "exit_code": found.exit_code,
        "interrupted": found.interrupted,
        "planned": found.planned,
        "checked": found.count(),
        **{verdict.name.lower(): found.count(verdict) for verdict in Verdict},
        "seconds": found.seconds,
        "environment_changes": [dataclasses.asdict(change) for change in found.changes],
        "findings": [_finding(finding) for finding in found.findings],
    }


def _finding(finding: Finding) -> dict[str, object]:
    apart = finding.difference
    return {
        "first": finding.first,
        "last": finding.last,
        "verdict": finding.verdict.name.lower(),
        "reason": finding.reason,
        "pixels_as_recorded": finding.pixels_as_recorded,
        "max_difference": apart.max if apart else None,
        "mean_difference": apart.mean if apart else None,
        "psnr_db": apart.psnr if apart else None,
        "node": finding.nodes[0] if finding.nodes else None,
        "node_now": finding.nodes[1] if finding.nodes else None,
        "environment_changes": [dataclasses.asdict(change) for change in finding.changes],
    }
