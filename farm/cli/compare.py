"""`farm compare`: the cost of two settings, and their effect on the pictures."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Annotated, Self

import typer
from rich.progress import BarColumn, Progress, TextColumn

from farm.cli.options import Json
from farm.cli.output import echo, echo_json, format_frames, format_table
from farm.console import errors
from farm.errors import UsageError, one_line
from farm.results.compare import compare as compare_jobs
from farm.results.compare_frames import Comparison, Side, find_clip, format_setting

_MAX_VALUE_WIDTH = 40
_MIN_SPEEDUP = 1.05
"""The smallest speed-up worth reporting."""


def compare(
    first: Annotated[str, typer.Argument(help="Output folder or URL of a job.", metavar="DIR_A")],
    second: Annotated[
        str,
        typer.Argument(
            help="Output folder or URL of another job with the same prompts and frame count.", metavar="DIR_B"
        ),
    ],
    clip: Annotated[
        str | None,
        typer.Option(
            "--clip",
            metavar="NAME",
            help="Measure CLIP scores with this CLIPModel: a hub id, a folder, or a shipped checkpoint. By default "
            "the scores come from the jobs' own analyses.",
        ),
    ] = None,
    revision: Annotated[
        str | None, typer.Option("--revision", metavar="COMMIT", help="Full commit hash of a hub id.")
    ] = None,
    output: Annotated[
        str, typer.Option("--output", "-o", help="Folder or URL for the results; default DIR_A-vs-DIR_B.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Compare two jobs frame by frame.

    Reports render time, CLIP score, sharpness, and the distance between pictures. Exit code 3 if either job lacks
    frames.
    """
    if revision is not None and clip is None:
        raise UsageError("--revision is the commit of the model in --clip; give both.")
    model = None if clip is None else find_clip(clip, revision)
    with _Bar() as bar:
        comparison = compare_jobs(first, second, clip=model, output=output, on_progress=bar)
    if as_json:
        echo_json(dataclasses.asdict(comparison))
    else:
        echo(report_text(comparison))
    raise typer.Exit(comparison.exit_code)


def report_text(comparison: Comparison) -> str:
    """Return the report of a comparison."""
    first, second = comparison.first, comparison.second
    notes = [*_missing(first), *_missing(second), *comparison.remarks]
    if not comparison.settings:
        notes.insert(0, "The settings are the same.")
    parts = [
        f"{first.label} and {second.label}: {comparison.compared} of {comparison.planned} frames",
        format_table([("", first.label, second.label, ""), *_settings(comparison), *_measured(comparison)]),
        _distances(comparison),
        "\n".join(notes),
        "\n".join([comparison.folder, *(f"  {name}" for name in comparison.files)]),
    ]
    return "\n\n".join(filter(None, parts))


def _settings(comparison: Comparison) -> Iterator[tuple[str, ...]]:
    for setting in comparison.settings:
        yield (
            setting.field,
            format_setting(setting.first, _MAX_VALUE_WIDTH),
            format_setting(setting.second, _MAX_VALUE_WIDTH),
            "",
        )


def _measured(comparison: Comparison) -> Iterator[tuple[str, ...]]:
    first, second = comparison.first, comparison.second
    seconds = first.seconds_per_frame, second.seconds_per_frame
    yield "seconds per frame", f"{seconds[0]:.3g}", f"{seconds[1]:.3g}", _faster(first, second)
    if comparison.clip:
        yield "CLIP score", f"{first.clip_score:.3f}", f"{second.clip_score:.3f}", f"with {comparison.clip}"
    yield "sharpness", f"{first.sharpness:.0f}", f"{second.sharpness:.0f}", "variance of the Laplacian"


def _faster(first: Side, second: Side) -> str:
    one, other = first.seconds_per_frame, second.seconds_per_frame
    if not min(one, other):  # procedural frames may take no time
        return ""
    faster = first if one < other else second
    speedup = max(one, other) / min(one, other)
    return f"{faster.label} is {speedup:.1f} times as fast" if speedup >= _MIN_SPEEDUP else ""


def _distances(comparison: Comparison) -> str:
    distances = (
        ("RGB", comparison.rgb, "root mean square, as a fraction of the range"),
        ("perceptual", comparison.perceptual, "(1 - SSIM) / 2"),
    )
    rows = [
        (name, f"{distance.mean:.3f}", f"{distance.max:.3f}", str(distance.frame), how)
        for name, distance, how in distances
        if distance is not None
    ]
    return format_table([("distance", "mean", "max", "at frame", ""), *rows]) if rows else ""


def _missing(side: Side) -> Iterator[str]:
    for part in side.missing:
        yield f"{side.label} lacks {format_frames(part)}: {one_line(part.reason)}."


class _Bar:
    """A progress bar on a terminal."""

    def __init__(self) -> None:
        self._bar = Progress(
            BarColumn(bar_width=30),
            TextColumn("{task.completed:.0f}/{task.total:.0f} frames compared"),
            console=errors,
            disable=not errors.is_terminal,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._task = self._bar.add_task("", total=0)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def __call__(self, done: int, planned: int) -> None:
        """Show that `done` of `planned` frames are compared."""
        self._bar.update(self._task, completed=done, total=planned)
