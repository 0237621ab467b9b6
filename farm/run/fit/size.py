"""Whether a picture is a whole number of the checkpoint's latents high and wide."""

from __future__ import annotations

import math
from collections.abc import Iterator

from farm.manifest.findings import Finding
from farm.manifest.render import Render
from farm.render.checkpoints.architecture import Architecture

_PIPELINES_NEED = 8
"""Whatever the checkpoint; the manifest holds heights and widths to it."""


def size_findings(render: Render, pretrained: str, model: Architecture) -> Iterator[Finding]:
    """Yield a height or width that the pipeline would refuse, or silently round.

    With resolution binning pictures are drawn at a size that the model knows, and scaled to any.
    """
    if render.use_resolution_binning:
        return
    step = math.lcm(model.step, _PIPELINES_NEED)
    for name in ("height", "width"):
        pixels = getattr(render, name)
        if pixels is not None and pixels % step:
            below = pixels - pixels % step
            near = [str(size) for size in (below, below + step) if size]
            yield Finding(
                path=("render", name),
                found=f"found {pixels}",
                allowed=f"allowed: a multiple of {step} with {pretrained}",
                hint=f"Nearest: {' or '.join(near)}.",
            )
