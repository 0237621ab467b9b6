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
    inspection = inspect_job(folder)
    if as_json:
        echo_json(dataclasses.asdict(inspection))
    else:
        echo(
            report_text(
                inspection, width=max(_MIN_WIDTH, min(_MAX_WIDTH, shutil.get_terminal_size((80, 24)).columns))
            )
        )


def _inspect_frame(folder: str, frame: int, *, as_json: bool) -> None:
    history = frame_history(folder, frame)
    if as_json:
        echo_json(dataclasses.asdict(history))
    else:
        echo(frame_text(history))


def frame_text(history: FrameHistory) -> str:
    """Return the history of a frame, with a line per attempt."""
    chunk = f"chunk {history.chunk}, frames {history.first}-{history.last}"
    lines = [f"{history.name}: frame {history.frame} ({chunk}): {history.status}"]
    if history.file:
        lines.append(
            f"{history.file}, rendered by {history.worker} on {history.node}, {_utc(history.rendered_at)}"
        )
    if not history.attempts:
        return "\n".join([*lines, "No attempts are recorded."])
    rows = [("run", "attempt", "worker", "started", "ended", "result")]
    for each in history.attempts:
        result = ": ".join(filter(None, [each.state, one_line(each.reason)]))
        rows.append((each.run, str(each.attempt), each.worker, _utc(each.started), _utc(each.ended), result))
    return "\n".join([*lines, "", format_table(rows)])


def _utc(time: str) -> str:
    return f"{time.replace('T', ' ')[:19]} UTC" if time else "-"


def report_text(inspection: Inspection, *, width: int) -> str:
    """Return the report of an inspection in lines of about `width` characters."""
    by = f", by {inspection.run}" if inspection.run else ""
    parts = [
        "\n".join(
            [f"{inspection.name}: {inspection.state}{by}", _indented(format_table(_facts(inspection)))]
        ),
        "\n".join(_problems(inspection, width)),
        "\n".join(_insights(inspection, width)),
        "\n".join(_change_plot(inspection, width)),
    ]
    return "\n\n".join(filter(None, parts))


def _facts(inspection: Inspection) -> Iterator[tuple[str, ...]]:
    yield "kind", inspection.kind
    counts = [f"{inspection.planned} planned", f"{inspection.there} on disk", f"{inspection.whole} intact"]
    yield "frames", ", ".join([*counts, f"{inspection.failed} failed"] if inspection.failed else counts)
    if inspection.seconds is not None:
        when = (
            f", ended {inspection.finished_at.replace('T', ' ')[:16]} UTC" if inspection.finished_at else ""
        )
        yield "last run", f"{format_duration(inspection.seconds)}{when}"
    for share in inspection.environments:
        where = _environment(share)
        yield "rendered", where if len(inspection.environments) == 1 else f"{share.frames} frames: {where}"
    yield "folder", inspection.folder


def _environment(share: EnvironmentShare) -> str:
    values = {key: str(share.environment[key]) for key in _ENVIRONMENT if key in share.environment}
    return ", ".join(f"{key} {value}" if key in _VERSIONS else value for key, value in values.items())


def _problems(inspection: Inspection, width: int) -> Iterator[str]:
    if inspection.error:
        yield from textwrap.wrap(one_line(inspection.error), width)
    lines = [f"{format_frames(part)}: {part.reason}" for part in (*inspection.missing, *inspection.remarks)]
    yield from (_cut(line, width) for line in lines[:_MAX_PROBLEMS])
    if len(lines) > _MAX_PROBLEMS:
        yield f"and {len(lines) - _MAX_PROBLEMS} more; --json lists all of them"


def _insights(inspection: Inspection, width: int) -> Iterator[str]:
    if not inspection.measured:
        yield "Nothing has been measured; farm analyze measures finished frames."
        return
    if inspection.unmeasured:
        yield from textwrap.wrap(_unmeasured(inspection), width)
    for sentence in inspection.sentences:
        yield from textwrap.wrap(one_line(sentence), width, subsequent_indent="  ")
    if inspection.jumps:
        rows = [
            (jump.label, f"{jump.value:.3g}", f"to frame {jump.frame}", _times(jump))
            for jump in inspection.jumps
        ]
        yield from ("Largest jumps:", _indented(format_table(rows)))


def _unmeasured(inspection: Inspection) -> str:
    """Explain why intact frames have no measurement: a frame is measured together with its neighbours."""
    count = f"{inspection.unmeasured} of {inspection.whole} intact frames"
    if inspection.run:
        return f"{count} have not been measured yet."
    if any(part.reason in _LOST for part in inspection.missing):
        return (
            f"The measurements include frames that are missing now, and {count} have none; run farm analyze to update "
            "them."
        )
    return f"{count} have not been measured; run farm analyze to measure them."


def _times(jump: Jump) -> str:
    return "" if jump.times is None else times_the_median(jump.times)


def _change_plot(inspection: Inspection, width: int) -> Iterator[str]:
    if inspection.change is not None:
        lines = plot(inspection.change.values, width=width, height=_PLOT_HEIGHT)
        if lines:
            yield f"Change from frame to frame ({inspection.change.label}, {inspection.change.unit}):"
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
    edges = [column * len(values) // room for column in range(room + 1)]
    groups = (values[start:stop] for start, stop in itertools.pairwise(edges))
    return [max((value for value in group if value is not None), default=None) for group in groups]


def _eighths(value: float | None, top: float, full: int) -> int:
    if value is None:
        return 0
    return max(1, round(full * value / top)) if top else 1
