"""How a job can end, and the exit codes that say so."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from farm.reduce import Summary

State = Literal["done", "partial", "interrupted", "failed"]
EXIT_CODES: dict[State, int] = {"done": 0, "failed": 1, "partial": 3, "interrupted": 130}


def exit_code(summaries: Sequence[Summary], *, broken: int = 0) -> int:
    """Return the exit code of a run: 130 interrupted, 0 all done, 1 nothing done, else 3 partly done.

    `broken` counts manifests that were refused while the others ran.
    """
    states = {summary.state for summary in summaries}
    if "interrupted" in states:
        return EXIT_CODES["interrupted"]
    if states == {"done"} and not broken:
        return EXIT_CODES["done"]
    return EXIT_CODES["partial"] if states & {"done", "partial"} else EXIT_CODES["failed"]
