"""`farm compare`: what two settings cost, and what they change in the pictures."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Annotated, Self

import typer
from rich.progress import BarColumn, Progress, TextColumn

from farm.cli.look import Json
from farm.cli.speech import errors, say, say_json, table, which
from farm.errors import UsageError, one_line
from farm.results.compare import compare as compare_jobs
from farm.results.compare_frames import Comparison, Side, find_clip, said

_LONGEST = 40
_NOTICED = 1.05
"""A factor below which nothing is said of who is faster."""


def compare(
    first: Annotated[str, typer.Argument(help="A job's output folder or URL.", metavar="DIR_A")],
    second: Annotated[
        str, typer.Argument(help="Another one's, of the same prompts and frame count.", metavar="DIR_B")
    ],
    clip: Annotated[
        str | None,
        typer.Option(
            "--clip",
            metavar="NAME",
            help="Measure CLIP scores with this CLIPModel now: a hub id, a folder, or a shipped checkpoint. Without it "
            "they are those of the jobs' own analyses.",
        ),
    ] = None,
    revision: Annotated[
        str | None, typer.Option("--revision", metavar="COMMIT", help="The full commit of a hub id.")
    ] = None,
    output: Annotated[
        str, typer.Option("--output", "-o", help="Folder or URL for the results; by default DIR_A-vs-DIR_B.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Compare two jobs frame by frame: seconds, CLIP scores, sharpness, and how far apart their pictures are.

    Exit code 3 if frames are missing in one of them.
    """
    if revision is not None and clip is None:
        raise UsageError("--revision is the commit of the model that --clip names; give both.")
    model = None if clip is None else find_clip(clip, revision)
    with _Bar() as bar:
        found = compare_jobs(first, second, clip=model, output=output, tell=bar)
    if as_json:
        say_json(dataclasses.asdict(found))
    else:
        say(compared(found))
    raise typer.Exit(found.exit_code)


def compared(found: Comparison) -> str:
    """Return the whole report."""
    first, second = found.first, found.second
    remarks = [*_missing(first), *_missing(second), *found.remarks]
    if not found.settings:
        remarks.insert(0, "No setting differs.")
    parts = [
        f"{first.label} against {second.label}: {found.compared} of {found.planned} frames",
        table([("", first.label, second.label, ""), *_settings(found), *_measured(found)]),
        _apart(found),
        "\n".join(remarks),
        "\n".join([found.folder, *(f"  {name}" for name in found.files)]),
    ]
    return "\n\n".join(filter(None, parts))


def _settings(found: Comparison) -> Iterator[tuple[str, ...]]:
    for setting in found.settings:
        yield setting.field, said(setting.first, _LONGEST), said(setting.second, _LONGEST), ""


def _measured(found: Comparison) -> Iterator[tuple[str, ...]]:
    first, second = found.first, found.second
    seconds = first.seconds_per_frame, second.seconds_per_frame
    yield "seconds a frame", f"{seconds[0]:.3g}", f"{seconds[1]:.3g}", _faster(first, second)
    if found.clip:
        yield "CLIP score", f"{first.clip_score:.3f}", f"{second.clip_score:.3f}", f"by {found.clip}"
    yield "sharpness", f"{first.sharpness:.0f}", f"{second.sharpness:.0f}", "variance of the Laplacian"


def _faster(first: Side, second: Side) -> str:
    one, other = first.seconds_per_frame, second.seconds_per_frame
    if not min(one, other):  # a rehearsal may take none
        return ""
    quick = first if one < other else second
    times = max(one, other) / min(one, other)
    return f"{quick.label} is {times:.1f} times as fast" if times >= _NOTICED else ""


def _apart(found: Comparison) -> str:
    distances = (
        ("RGB", found.rgb, "root mean square, of the range"),
        ("perceptual", found.perceptual, "(1 - SSIM) / 2"),
    )
    rows = [
        (name, f"{distance.mean:.3f}", f"{distance.max:.3f}", str(distance.frame), how)
        for name, distance, how in distances
        if distance is not None
    ]
    return table([("apart", "mean", "most", "at frame", ""), *rows]) if rows else ""


def _missing(side: Side) -> Iterator[str]:
    for part in side.missing:
        yield f"{side.label} lacks {which(part)}: {one_line(part.reason)}."


class _Bar:
    """How far the comparison is, on a terminal."""

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
        """Show that so many of the planned frames are done."""
        self._bar.update(self._task, completed=done, total=planned)
