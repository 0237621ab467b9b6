"""Verbs about finished frames: analyze what they show, report it on a page."""

from __future__ import annotations

import contextlib
import dataclasses
import sys
from typing import Annotated

import typer

from farm.cli.look import Json
from farm.cli.options import (
    Address,
    AllowInputs,
    AllowModels,
    Inline,
    Set,
    Untrusted,
    Workers,
    make_executor,
    read_policy,
)
from farm.cli.speech import say, say_json
from farm.results import EXIT_CODES, rereport
from farm.run import reanalyze

Folder = Annotated[str, typer.Argument(help="A job's output folder or URL.", metavar="DIR")]


def analyze(
    folder: Folder,
    overrides: Set = None,
    allow_inputs: AllowInputs = None,
    allow_models: AllowModels = None,
    untrusted: Untrusted = False,
    workers: Workers = None,
    address: Address = None,
    inline: Inline = False,
    as_json: Json = False,
) -> None:
    """Measure finished frames as the manifest's `analysis` says, and tell what they show.

    Frames are only read. What was measured before, in the same way, is not measured again. Exit code 3 if frames are
    missing.
    """
    reads = read_policy(allow_inputs, allow_models, untrusted=untrusted)
    executor = make_executor([], workers=workers, address=address, inline=inline)
    with contextlib.redirect_stdout(sys.stderr):  # Ray prints there when a worker dies; that is no data
        made = reanalyze(folder, executor, overrides or (), reads=reads)
    account = made.findings.account
    if as_json:
        columns = [column.name for column in made.findings.columns]
        told = {"name": made.name, "planned": made.planned, "frames": made.frames, "columns": columns}
        say_json(told | dataclasses.asdict(account))
    else:
        say(f"{made.name}: {made.frames} of {made.planned} frames measured")
        for sentence in account.sentences:
            say(f"  {sentence.text}")
    raise typer.Exit(0 if made.frames == made.planned else EXIT_CODES["partial"])


def report(
    folder: Annotated[
        str, typer.Argument(help="A job's output folder or URL, or a folder of them.", metavar="DIR")
    ],
    as_json: Json = False,
) -> None:
    """Write the page of a job, or the gallery of a folder of jobs, and say where it is."""
    page = rereport(folder)
    if as_json:
        say_json({"page": page})
    else:
        say(page)
