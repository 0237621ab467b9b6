"""Assigns tests to the processes of a parallel run (`pytest -n`)."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from xdist.scheduler import LoadFileScheduling

ROOT = Path(__file__).parents[1]
ALONE = ("ray", "browser")
"""Markers whose tests share one process: two Rays, or two Chromiums, at a time are too much for a small machine."""


@cache
def group_of(file: str) -> str:
    """Return the group of a test file, relative to the root: one of `ALONE`, or its own."""
    text = (ROOT / file).read_text()
    return next((marker for marker in ALONE if f"pytest.mark.{marker}" in text), file)


class GroupedFiles(LoadFileScheduling):
    """Assigns complete files to processes, since tests of a file share fixtures, and keeps groups of files together."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid.partition("::")[0])
