"""`farm inspect`: a job's state in a terminal."""

from __future__ import annotations

import dataclasses
import shutil
import textwrap
from collections.abc import Iterator
from typing import Annotated

import typer
from rich.cells import cell_len, set_cell_size

from farm.analyze import Jump, times_the_median
from farm.cli.look import Json
from farm.cli.plot import plot
from farm.cli.speech import say, say_json, table, which
from farm.errors import one_line
from farm.reduce import EnvironmentShare
from farm.results.inspect import Inspection
from farm.results.inspect import inspect as inspect_job
from farm.results.status import Standing
from farm.units import format_duration

_NARROW, _WIDE = 60, 100
_HEIGHT = 6
_MOST_LINES = 12
_TOLD = ("renderer", "device", "torch", "diffusers", "torch_dtype")
_VERSIONS = ("torch", "diffusers")
_LOST = (Standing.GONE, Standing.ALTERED)


def inspect(
    folder: Annotated[str, typer.Argument(help="A job's output folder or URL.", metavar="DIR")],
    as_json: Json = False,
) -> None:
    """Show the state of a job, also of one that runs: frames, failures, what was measured, and where most changes.

    Every frame's file is read and compared with the ledger; nothing is written.
    """
    found = inspect_job(folder)
    if as_json:
        say_json(dataclasses.asdict(found))
    else:
        say(inspected(found, width=max(_NARROW, min(_WIDE, shutil.get_terminal_size((80, 24)).columns))))


def inspected(found: Inspection, *, width: int) -> str:
    """Return the whole report in lines of about `width` letters."""
    by = f", by {found.run}" if found.run else ""
    parts = [
        "\n".join([f"{found.name}: {found.state}{by}", _indented(table(_facts(found)))]),
        "\n".join(_troubles(found, width)),
        "\n".join(_seen(found, width)),
        "\n".join(_drawn(found, width)),
    ]
    return "\n\n".join(filter(None, parts))


def _facts(found: Inspection) -> Iterator[tuple[str, ...]]:
    yield "kind", found.kind
    counts = [f"{found.planned} planned", f"{found.there} there", f"{found.whole} whole"]
    yield "frames", ", ".join([*counts, f"{found.failed} failed"] if found.failed else counts)
    if found.seconds is not None:
        when = f", ended {found.finished_at.replace('T', ' ')[:16]} UTC" if found.finished_at else ""
        yield "last run", f"{format_duration(found.seconds)}{when}"
    for share in found.environments:
        where = _environment(share)
        yield "rendered", where if len(found.environments) == 1 else f"{share.frames} frames: {where}"
    yield "folder", found.folder


def _environment(share: EnvironmentShare) -> str:
    told = {key: str(share.environment[key]) for key in _TOLD if key in share.environment}
    return ", ".join(f"{key} {value}" if key in _VERSIONS else value for key, value in told.items())


def _troubles(found: Inspection, width: int) -> Iterator[str]:
    if found.error:
        yield from textwrap.wrap(one_line(found.error), width)
    lines = [f"{which(part)}: {part.reason}" for part in (*found.missing, *found.remarks)]
    yield from (_cut(line, width) for line in lines[:_MOST_LINES])
    if len(lines) > _MOST_LINES:
        yield f"and {len(lines) - _MOST_LINES} more such lines, all of them in --json"


def _seen(found: Inspection, width: int) -> Iterator[str]:
    if not found.measured:
        yield "Nothing was measured; farm analyze measures what finished frames show."
        return
    if found.unmeasured:
        yield from textwrap.wrap(_unmeasured(found), width)
    for sentence in found.sentences:
        yield from textwrap.wrap(one_line(sentence), width, subsequent_indent="  ")
    if found.jumps:
        rows = [
            (jump.label, f"{jump.value:.3g}", f"to frame {jump.frame}", _times(jump)) for jump in found.jumps
        ]
        yield from ("Largest jumps:", _indented(table(rows)))


def _unmeasured(found: Inspection) -> str:
    """Say why frames that are there have no value: each is measured beside others."""
    if found.run:
        return f"{found.unmeasured} of the frames that are there are not measured yet."
    count = f"{found.unmeasured} of the {found.whole} that are"
    if any(part.reason in _LOST for part in found.missing):
        gone = "What was measured speaks of frames that are not there any more"
        return f"{gone}, and not of {count}; farm analyze measures anew."
    return f"Of the frames that are there, {found.unmeasured} are not measured; farm analyze measures them."


def _times(jump: Jump) -> str:
    return "" if jump.times is None else times_the_median(jump.times)


def _drawn(found: Inspection, width: int) -> Iterator[str]:
    if found.change is not None:
        lines = plot(found.change.values, width=width, height=_HEIGHT)
        if lines:
            yield f"Change from frame to frame ({found.change.label}, {found.change.unit}):"
            yield from lines


def _indented(text: str) -> str:
    return textwrap.indent(text, "  ")


def _cut(line: str, width: int) -> str:
    line = one_line(line)
    return line if cell_len(line) <= width else f"{set_cell_size(line, width - 3)}..."
