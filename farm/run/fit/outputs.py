"""Whether the outputs of a job can be made of frames of its size."""

from __future__ import annotations

from collections.abc import Iterator

from farm.manifest.findings import Finding
from farm.plan import Plan
from farm.reduce import misfits


def output_findings(plan: Plan, *, width: int, height: int) -> Iterator[Finding]:
    """Yield every output that its format does not hold, or that would be too large to look at."""
    for misfit in misfits(plan.outputs, width=width, height=height, frame_count=plan.frame_count):
        yield Finding(
            path=("output", misfit.field), found=misfit.found, allowed=misfit.allowed, hint=misfit.hint
        )
