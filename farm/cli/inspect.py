"""`farm inspect`: the state of a job in a terminal, with a plot of its changes."""

from __future__ import annotations

import dataclasses
import itertools
import shutil
import textwrap
from collections.abc import Iterator, Sequence
from typing import Annotated

import typer
from rich.cells import cell_len, set_cell_size

from farm.analyze import Jump, times_the_median
from farm.cli.options import JobUrl, Json
from farm.cli.output import echo, echo_json, format_frames, format_table
from farm.errors import one_line
from farm.records.status import FrameStatus
from farm.reduce import EnvironmentShare
from farm.results.frame_history import FrameHistory, frame_history
from farm.results.inspect import Inspection
from farm.results.inspect import inspect as inspect_job
from farm.units import format_duration

_MIN_WIDTH, _MAX_WIDTH = 60, 100
_PLOT_HEIGHT = 6
_MAX_PROBLEMS = 12
_ENVIRONMENT = ("renderer", "device", "torch", "diffusers", "torch_dtype")
_VERSIONS = ("torch", "diffusers")
_LOST = (FrameStatus.MISSING, FrameStatus.ALTERED)


def inspect(
    folder: JobUrl,
    frame: Annotated[
        int | None,
        typer.Option("--frame", min=0, help="Show one frame: its state, and every attempt to render it."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Show the state of a finished or running job, or the history of one frame.

    This includes missing and failed frames, insights, and the change from frame to frame. Every frame file is read
    and compared with the ledger; nothing is written.
    """
    if frame is not None:
        _inspect_frame(folder, frame, as_json=as_json)
        return
    found = inspect_job(folder)
    if as_json:
        echo_json(dataclasses.asdict(found))
    else:
        echo(
            report_text(
                found, width=max(_MIN_WIDTH, min(_MAX_WIDTH, shutil.get_terminal_size((80, 24)).columns))
            )
        )


def _inspect_frame(folder: str, frame: int, *, as_json: bool) -> None:
    found = frame_history(folder, frame)
    if as_json:
        echo_json(dataclasses.asdict(found))
    else:
        echo(frame_text(found))


def frame_text(found: FrameHistory) -> str:
    """Return the history of a frame, with a line per attempt."""
    chunk = f"chunk {found.chunk}, frames {found.first}-{found.last}"
    lines = [f"{found.name}: frame {found.frame} ({chunk}): {found.status}"]
    if found.file:
        lines.append(f"{found.file}, rendered by {found.worker} on {found.node}, {_utc(found.rendered_at)}")
    if not found.attempts:
        return "\n".join([*lines, "No attempts are recorded."])
    rows = [("run", "attempt", "worker", "started", "ended", "result")]
    for each in found.attempts:
        result = ": ".join(filter(None, [each.state, one_line(each.reason)]))
        rows.append((each.run, str(each.attempt), each.worker, _utc(each.started), _utc(each.ended), result))
    return "\n".join([*lines, "", format_table(rows)])


def _utc(time: str) -> str:
    return f"{time.replace('T', ' ')[:19]} UTC" if time else "-"


def report_text(found: Inspection, *, width: int) -> str:
    """Return the report of an inspection in lines of about `width` characters."""
    by = f", by {found.run}" if found.run else ""
    parts = [
        "\n".join([f"{found.name}: {found.state}{by}", _indented(format_table(_facts(found)))]),
        "\n".join(_problems(found, width)),
        "\n".join(_insights(found, width)),
        "\n".join(_change_plot(found, width)),
    ]
    return "\n\n".join(filter(None, parts))


def _facts(found: Inspection) -> Iterator[tuple[str, ...]]:
    yield "kind", found.kind
    counts = [f"{found.planned} planned", f"{found.there} on disk", f"{found.whole} intact"]
    yield "frames", ", ".join([*counts, f"{found.failed} failed"] if found.failed else counts)
    if found.seconds is not None:
        when = f", ended {found.finished_at.replace('T', ' ')[:16]} UTC" if found.finished_at else ""
        yield "last run", f"{format_duration(found.seconds)}{when}"
    for share in found.environments:
        where = _environment(share)
        yield "rendered", where if len(found.environments) == 1 else f"{share.frames} frames: {where}"
    yield "folder", found.folder


def _environment(share: EnvironmentShare) -> str:
    values = {key: str(share.environment[key]) for key in _ENVIRONMENT if key in share.environment}
    return ", ".join(f"{key} {value}" if key in _VERSIONS else value for key, value in values.items())


def _problems(found: Inspection, width: int) -> Iterator[str]:
    if found.error:
        yield from textwrap.wrap(one_line(found.error), width)
    lines = [f"{format_frames(part)}: {part.reason}" for part in (*found.missing, *found.remarks)]
    yield from (_cut(line, width) for line in lines[:_MAX_PROBLEMS])
    if len(lines) > _MAX_PROBLEMS:
        yield f"and {len(lines) - _MAX_PROBLEMS} more; --json lists all of them"


def _insights(found: Inspection, width: int) -> Iterator[str]:
    if not found.measured:
        yield "Nothing has been measured; farm analyze measures finished frames."
        return
    if found.unmeasured:
        yield from textwrap.wrap(_unmeasured(found), width)
    for sentence in found.sentences:
        yield from textwrap.wrap(one_line(sentence), width, subsequent_indent="  ")
    if found.jumps:
        rows = [
            (jump.label, f"{jump.value:.3g}", f"to frame {jump.frame}", _times(jump)) for jump in found.jumps
        ]
        yield from ("Largest jumps:", _indented(format_table(rows)))


def _unmeasured(found: Inspection) -> str:
    """Explain why intact frames have no measurement: a frame is measured together with its neighbours."""
    count = f"{found.unmeasured} of {found.whole} intact frames"
    if found.run:
        return f"{count} have not been measured yet."
    if any(part.reason in _LOST for part in found.missing):
        return (
            f"The measurements include frames that are missing now, and {count} have none; run farm analyze to update "
            "them."
        )
    return f"{count} have not been measured; run farm analyze to measure them."


def _times(jump: Jump) -> str:
    return "" if jump.times is None else times_the_median(jump.times)


def _change_plot(found: Inspection, width: int) -> Iterator[str]:
    if found.change is not None:
        lines = plot(found.change.values, width=width, height=_PLOT_HEIGHT)
        if lines:
            yield f"Change from frame to frame ({found.change.label}, {found.change.unit}):"
            yield from lines


def _indented(text: str) -> str:
    return textwrap.indent(text, "  ")


def _cut(line: str, width: int) -> str:
    line = one_line(line)
    return line if cell_len(line) <= width else f"{set_cell_size(line, width - 3)}..."


# --- the plot --------------------------------------------------------------------------------------------

_BARS = " ▁▂▃▄▅▆▇█"
"""Eight heights to a line."""


def plot(values: Sequence[float | None], *, width: int, height: int) -> list[str]:
    """Return a bar chart as lines of at most `width` characters: `height` lines of bars, then the first and last index.

    The axis runs from 0 to the largest value. Values are 0 or more; None leaves a gap. With more values than columns,
    neighbours share a bar as high as the largest of them, so no peak is lost; with fewer, bars are wider. A value of 0
    still shows as a line.
    """
    known = [value for value in values if value is not None]
    if not known:
        return []
    top = max(known)
    label = f"{top:.3g}"
    room = width - len(label) - 2
    bars = _bars(values, room)
    eighths = [_eighths(value, top, 8 * height) for value in bars]
    lines = []
    for line in range(height - 1, -1, -1):
        axis = f"{label} ┤" if line == height - 1 else f"{'0'.rjust(len(label))} ┤" if not line else ""
        cells = (_BARS[min(8, max(0, each - 8 * line))] for each in eighths)
        lines.append(f"{axis or ' ' * len(label) + ' │'}{''.join(cells)}".rstrip())
    ends = f"0{str(len(values) - 1).rjust(len(bars) - 1)}" if len(values) > 1 else "0"
    return [*lines, " " * (len(label) + 2) + ends]


def _bars(values: Sequence[float | None], room: int) -> list[float | None]:
    if len(values) <= room:
        return [value for value in values for _ in range(room // len(values))]
    edges = [place * len(values) // room for place in range(room + 1)]
    groups = (values[start:stop] for start, stop in itertools.pairwise(edges))
    return [max((value for value in group if value is not None), default=None) for group in groups]


def _eighths(value: float | None, top: float, full: int) -> int:
    if value is None:
        return 0
    return max(1, round(full * value / top)) if top else 1
