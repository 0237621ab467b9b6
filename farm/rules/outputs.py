"""Limits of the output files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from farm.manifest.findings import Finding
from farm.plan import Plan
from farm.reduce import oversized_outputs
from farm.rules.animation import frame_count

MAX_CELLS = 10_000
"""Maximum cells of `grid.png`: the 100 x 100 of the largest grid animation."""


def output_checks(manifest: Mapping[Any, Any]) -> Iterator[Finding]:
    """Yield the grid picture of a sweep with more than `MAX_CELLS` cells."""
    match manifest:
        case {"animation": {"kind": "sweep", **animation}}:
            cells = frame_count(animation)
        case _:
            return
    output = manifest.get("output", {})
    is_enabled = isinstance(output, dict) and output.get("grid", True) is True
    if cells is not None and cells > MAX_CELLS and is_enabled:
        yield Finding(
            path=("output", "grid"),
            found=f"a picture of {cells} cells",
            allowed=f"allowed: up to {MAX_CELLS}, or grid: false",
        )


def output_findings(plan: Plan, *, width: int, height: int) -> Iterator[Finding]:
    """Yield every output that exceeds the limits of its format."""
    for excess in oversized_outputs(plan.outputs, width=width, height=height, frame_count=plan.frame_count):
        yield Finding(
            path=("output", excess.field), found=excess.found, allowed=excess.allowed, hint=excess.hint
        )
