"""How the command line speaks: data on standard output, everything else on standard error."""

from __future__ import annotations

import contextlib
import dataclasses
import json
from collections.abc import Iterable, Iterator, Sequence

from rich.cells import cell_len

from farm.cli.terminal import Terminal
from farm.errors import FarmError, ManifestError, one_line, printable
from farm.reduce import EnvironmentShare, FrameRange, Summary
from farm.results import Assembled
from farm.run import Gathered
from farm.run.prepare import Job
from farm.units import format_duration, format_size

errors = Terminal()
"""Standard error, where progress and complaints go."""


def say(text: str = "") -> None:
    """Print lines of data, escaped."""
    print(printable(text, keep="\n\t"), flush=True)


def say_json(value: object) -> None:
    """Print a value for scripts, in ASCII: JSON's own escapes stand for everything else."""
    say(json.dumps(value, indent=2))


def complain(error: FarmError) -> None:
    """Print an error as it is, and for manifests how many mistakes there are, and what is noted of them."""
    errors.print(printable(str(error)), soft_wrap=True, style="red" if errors.is_terminal else "")
    if isinstance(error, ManifestError) and len(error.problems) > 1:
        notes = getattr(error, "__notes__", [])
        errors.print("; ".join([f"{len(error.problems)} mistakes", *notes]) + ".")


@contextlib.contextmanager
def or_nothing_started() -> Iterator[None]:
    """Note of manifests that are refused in the body that nothing was started: for verbs that were to start something.

    Raises:
        ManifestError: as it was raised.
    """
    try:
        yield
    except ManifestError as error:
        error.add_note("nothing was started")
        raise


def remark(jobs: Iterable[Job]) -> None:
    """Print what of jobs will not come out as their manifests have it."""
    for line in (line for job in jobs for line in job.remarks):
        errors.print(one_line(line), soft_wrap=True, style="yellow" if errors.is_terminal else "")


def say_problems(error: ManifestError) -> None:
    """Print the mistakes of manifests for scripts."""
    say_json({"problems": [dataclasses.asdict(problem) for problem in error.problems]})


def table(rows: Iterable[tuple[str, ...]]) -> str:
    """Return rows in columns that are aligned on a terminal, where letters may be wide; each row is one line."""
    lines = [tuple(map(one_line, row)) for row in rows]
    widths = [max(map(cell_len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(
            cell + " " * (width - cell_len(cell)) for cell, width in zip(line, widths, strict=True)
        ).rstrip()
        for line in lines
    )


def closing(summary: Summary, folder: str, *, has_page: bool = False) -> str:
    """Return a few lines on what was made, where, and how long it took."""
    counts = summary.frames
    lines = [f"{summary.name}: {summary.state}, {_frames(summary)} in {format_duration(summary.seconds)}"]
    if counts.rendered:
        seconds = sum(worker.seconds for worker in summary.workers)
        frames = sum(worker.frames for worker in summary.workers) or 1
        lines[0] += f" ({counts.rendered / summary.seconds:.2f} frames/s, {seconds / frames:.2f} s a frame)"
    if summary.error:
        lines.append(f"  {one_line(summary.error)}")
    lines += [f"  {which(failed)} missing: {one_line(failed.reason)}" for failed in summary.failures]
    lines += [f"  {which(remarked)}: {one_line(remarked.reason)}" for remarked in summary.remarks]
    lines += _mixture(summary.environments)
    lines.append(f"  {folder}")
    lines += [f"    {output.name:<24} {format_size(output.bytes):>9}" for output in summary.outputs]
    if counts.there:
        lines.append(f"    {'metadata.parquet':<24} {counts.there:>5} rows")
    if has_page:
        lines.append("    report.html              all of it on a page")
    return "\n".join(lines)


def _mixture(shares: Sequence[EnvironmentShare]) -> list[str]:
    """Say in what the environments of the frames differ, if there are several."""
    if len(shares) < 2:
        return []
    keys = sorted({key for share in shares for key in share.environment})
    values = {key: {json.dumps(share.environment.get(key)) for share in shares} for key in keys}
    differing = ", ".join(key for key in keys if len(values[key]) > 1)
    counts = " and ".join(str(share.frames) for share in shares)
    return [
        f"  {counts} frames come from environments that differ in {differing}: equal bits are promised within one "
        "only; `farm verify` compares."
    ]


def which(part: FrameRange) -> str:
    """Return frames by their numbers: `frame 7`, `frames 7-12`."""
    return f"frame {part.first}" if part.first == part.last else f"frames {part.first}-{part.last}"


def _frames(summary: Summary) -> str:
    counts = summary.frames
    kept = f", {counts.kept} kept from before" if counts.kept else ""
    failed = f", {counts.failed} failed" if counts.failed else ""
    cached = f", {counts.cached} taken from the cache" if counts.cached else ""
    return f"{counts.rendered} of {counts.planned} frames rendered{cached}{kept}{failed}"


def night_table(found: Gathered, summaries: Sequence[Summary], gallery: str) -> str:
    """Return what became of each manifest of a night, a line each, and where the page of all of them is, if any."""
    rows = [("manifest", "state", "frames", "time", "")]
    for (path, job), summary in zip(found.jobs.items(), summaries, strict=True):
        there = summary.frames.there
        what = summary.error or (
            summary.failures[0].reason if summary.failures else job.folder.path("").rstrip("/")
        )
        rows.append(
            (
                path.name,
                summary.state,
                f"{there}/{summary.frames.planned}",
                format_duration(summary.seconds),
                what,
            )
        )
    rows += [
        (path.name, "refused", "", "", f"{len(error.problems)} mistakes, told above")
        for path, error in found.broken.items()
    ]
    return "\n".join([table(rows), *([gallery] if gallery else [])])


def assembled(made: Assembled, folder: str) -> str:
    """Return what was assembled."""
    lines = [f"{made.name}: {made.frames} of {made.planned} frames"]
    lines += [f"  {which(part)} missing: {one_line(part.reason)}" for part in made.missing]
    lines += [f"  {one_line(error)}" for error in made.errors]
    lines += [
        f"  {folder}",
        *(f"    {output.name:<24} {format_size(output.bytes):>9}" for output in made.outputs),
    ]
    return "\n".join(lines)
