"""Printing: data on standard output, everything else on standard error; tables and ranges of frames as text."""

from __future__ import annotations

import contextlib
import dataclasses
import json
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from farm.errors import FarmError, ManifestError, one_line, printable

if TYPE_CHECKING:
    from farm.api import JobPlan
    from farm.reduce import FrameRange


def echo(text: str = "") -> None:
    """Print data on standard output, with control characters escaped."""
    print(printable(text, keep="\n\t"), flush=True)


def echo_json(value: object) -> None:
    """Print a value as ASCII JSON on standard output."""
    echo(json.dumps(value, indent=2))


def print_error(error: FarmError) -> None:
    """Print an error on standard error, followed for manifests by the number of mistakes and the error's notes."""
    from farm.console import errors

    errors.print(printable(str(error)), soft_wrap=True, style="red" if errors.is_terminal else "")
    if isinstance(error, ManifestError) and len(error.problems) > 1:
        notes = getattr(error, "__notes__", [])
        errors.print("; ".join([f"{len(error.problems)} mistakes", *notes]) + ".")


def print_warnings(plans: Iterable[JobPlan]) -> None:
    """Print the warnings of plans on standard error."""
    for line in (line for plan in plans for line in plan.warnings):
        from farm.console import errors

        errors.print(one_line(line), soft_wrap=True, style="yellow" if errors.is_terminal else "")


def echo_problems(error: ManifestError) -> None:
    """Print the mistakes in manifests as JSON on standard output."""
    echo_json({"problems": [dataclasses.asdict(problem) for problem in error.problems]})


@contextlib.contextmanager
def note_nothing_started() -> Iterator[None]:
    """Add the note "nothing was started" to a ManifestError raised in the body.

    Raises:
        ManifestError: the one raised in the body.
    """
    try:
        yield
    except ManifestError as error:
        error.add_note("nothing was started")
        raise


def format_table(rows: Iterable[tuple[str, ...]]) -> str:
    """Return rows as aligned columns, one line per row; wide characters take two cells."""
    from rich.cells import cell_len

    lines = [tuple(map(one_line, row)) for row in rows]
    widths = [max(map(cell_len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(
            cell + " " * (width - cell_len(cell)) for cell, width in zip(line, widths, strict=True)
        ).rstrip()
        for line in lines
    )


def format_frames(part: FrameRange) -> str:
    """Return a range of frames as text: `frame 7`, `frames 7-12`."""
    return f"frame {part.first}" if part.first == part.last else f"frames {part.first}-{part.last}"
