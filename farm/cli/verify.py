"""`farm verify`: render frames again and report whether the stored ones are identical."""

from __future__ import annotations

import contextlib
import dataclasses
import sys
from collections.abc import Iterator
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
    Untrusted,
    Workers,
    read_policy,
)
from farm.cli.output import echo, echo_json, format_table
from farm.cli.signals import interruption
from farm.console import errors
from farm.errors import UsageError
from farm.events import Event, JobFinished
from farm.progress import ProgressView
from farm.results import FrameFinding, Verdict, Verification, job_to_verify
from farm.results import verify as verify_job
from farm.units import format_duration

_SAMPLE = 12
_COUNTED = {
    Verdict.IDENTICAL: "identical",
    Verdict.DIFFERS: "different",
    Verdict.ALTERED: "altered",
    Verdict.MISSING: "missing",
    Verdict.OTHER_RECIPE: "with another recipe",
    Verdict.FAILED: "not rendered",
}
_TO_RENDER = {
    Verdict.ALTERED: "altered",
    Verdict.MISSING: "missing",
    Verdict.OTHER_RECIPE: "outdated",
}


def verify(
    folder: JobUrl,
    sample: Annotated[
        int | None,
        typer.Option(
            "--sample",
            min=1,
            metavar="N",
            help=f"Check N evenly spaced frames, by default {_SAMPLE}, and all other frames of their chunks, which are "
            "rendered together.",
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
    """Render frames again and compare them with the stored ones.

    Frames are compared bit for bit. The model and the input pictures must still be available. The job is not changed.
    Exit codes: 0 all frames are identical;
    1 frames differ or were altered, or none could be compared;
    3 no frame differs, but some are missing or could not be rendered.
    """
    if every and sample is not None:
        raise UsageError("--all checks every frame; leave out --sample.")
    job = job_to_verify(folder, reads=read_policy(allow_inputs, allow_models, untrusted=untrusted))
    executor = make_executor([job], workers=workers, address=address, inline=inline)
    # Ray reports dead workers on standard output.
    with ProgressView(errors) as view, contextlib.redirect_stdout(sys.stderr):

        def on_event(event: Event) -> None:
            view(event)
            if not isinstance(event, JobFinished):
                interruption.check()

        verification = verify_job(job, executor, on_event, sample=None if every else sample or _SAMPLE)
    if as_json:
        echo_json(_data(verification))
    else:
        echo(report_text(verification))
    raise typer.Exit(verification.exit_code)


def _data(verification: Verification) -> dict[str, object]:
    return {
        "name": verification.name,
        "folder": verification.folder,
        "exit_code": verification.exit_code,
        "interrupted": verification.interrupted,
        "planned": verification.planned,
        "checked": verification.count(),
        **{verdict.name.lower(): verification.count(verdict) for verdict in Verdict},
        "seconds": verification.seconds,
        "environment_changes": [dataclasses.asdict(change) for change in verification.changes],
        "findings": [_finding(finding) for finding in verification.findings],
    }


def _finding(finding: FrameFinding) -> dict[str, object]:
    difference = finding.difference
    return {
        "first": finding.first,
        "last": finding.last,
        "verdict": finding.verdict.name.lower(),
        "reason": finding.reason,
        "pixels_as_recorded": finding.pixels_as_recorded,
        "max_difference": difference.max if difference else None,
        "mean_difference": difference.mean if difference else None,
        "psnr_db": difference.psnr if difference else None,
        "node": finding.nodes[0] if finding.nodes else None,
        "node_now": finding.nodes[1] if finding.nodes else None,
        "environment_changes": [dataclasses.asdict(change) for change in finding.changes],
    }


# --- the report as text ----------------------------------------------------------------------------------


def report_text(verification: Verification) -> str:
    """Return the report of a verification."""
    counts = [
        f"{verification.count(verdict)} {word}"
        for verdict, word in _COUNTED.items()
        if verification.count(verdict)
    ]
    duration = format_duration(verification.seconds)
    checked = (
        f"{verification.name}: {verification.count()} of {verification.planned} frames checked in {duration}"
    )
    rows = [_row(group) for group in _groups(verification)]
    first = ": ".join(filter(None, [checked, ", ".join(counts)]))
    return "\n".join([first, *_table(rows), *_conclusions(verification)])


def _groups(verification: Verification) -> list[list[FrameFinding]]:
    """Return the findings that are not identical, with adjacent ones grouped if their verdict and reason agree."""
    groups: list[list[FrameFinding]] = []
    for finding in verification.findings:
        if finding.verdict is Verdict.IDENTICAL:
            continue
        if (
            groups
            and groups[-1][-1].last + 1 == finding.first
            and _verdict(groups[-1][0]) == _verdict(finding)
        ):
            groups[-1].append(finding)
        else:
            groups.append([finding])
    return groups


def _verdict(finding: FrameFinding) -> tuple[str, str]:
    return finding.verdict.value, _why(finding)


def _row(group: list[FrameFinding]) -> tuple[str, ...]:
    first, last = group[0].first, group[-1].last
    differences = [finding.difference for finding in group if finding.difference is not None]
    numbers = ("", "", "")
    if differences:  # the worst of the range
        psnr = min(each.psnr for each in differences if each.psnr is not None)
        numbers = (
            str(max(each.max for each in differences)),
            f"{max(each.mean for each in differences):.3g}",
            f"{psnr:.1f} dB",
        )
    verdict, why = _verdict(group[0])
    return (str(first) if first == last else f"{first}-{last}", verdict, *numbers, why)


def _why(finding: FrameFinding) -> str:
    if finding.verdict is not Verdict.DIFFERS:
        return " ".join(finding.reason.split())
    environment = "different environment" if finding.changes else "same environment"
    then, now = finding.nodes
    return environment if then == now else f"{environment}, on {now} instead of {then}"


def _table(rows: list[tuple[str, ...]]) -> list[str]:
    if not rows:
        return []
    head = ("frames", "verdict", "max", "mean", "PSNR", "")
    measured = any(row[2] for row in rows)
    return [format_table(row if measured else (*row[:2], row[5]) for row in [head, *rows])]


def _conclusions(verification: Verification) -> Iterator[str]:
    if verification.interrupted:
        yield "Interrupted: the remaining frames were not checked."
    elif not verification.compared:
        yield "No frame could be compared."
    elif verification.count(Verdict.IDENTICAL) == verification.count():
        yield _all_identical(verification)
    yield from _differing(verification)
    if verification.count(Verdict.FAILED):
        yield "Frames that could not be rendered again were not compared; the reasons are listed above."
    kinds = [word for verdict, word in _TO_RENDER.items() if verification.count(verdict)]
    if kinds:
        command = verification.again or "farm render with this job's manifest and --output-dir"
        yield f"To render the {_either(kinds)} frames, run: {command}"


def _all_identical(verification: Verification) -> str:
    if verification.changes:
        return f"All frames are identical, bit for bit, despite a different environment: {_changes(verification)}."
    return "All frames are identical, bit for bit."


def _differing(verification: Verification) -> Iterator[str]:
    differing = [finding for finding in verification.findings if finding.verdict is Verdict.DIFFERS]
    if any(finding.changes for finding in differing):
        yield (
            f"Different environment: {_changes(verification)}. Equal bits are guaranteed only within one environment, "
            "so this is not an error; to make all frames consistent, render the job again in one environment."
        )
    if all(finding.changes for finding in differing):
        return
    if not verification.promised:
        yield "Same environment: the job uses determinism: fast, which does not guarantee equal bits on a GPU."
        return
    yield (
        "Same environment: equal bits are guaranteed and the files are unchanged, so suspect the hardware. Verify once "
        "more: if the differences change, this machine is not deterministic; if they stay the same, the machine that "
        "rendered these frames made errors or differs from this one. To replace the frames, delete their files and "
        "render again."
    )


def _changes(verification: Verification) -> str:
    return ", ".join(map(str, verification.changes))


def _either(kinds: list[str]) -> str:
    *most, last = kinds
    return f"{', '.join(most)} or {last}" if most else last
