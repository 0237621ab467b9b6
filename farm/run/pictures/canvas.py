"""Whether a pipeline can paint the canvas that outpainting makes of a picture."""

from __future__ import annotations

from collections.abc import Iterator

from farm.errors import Problem
from farm.manifest import Document
from farm.manifest.pipelines import PIPELINES
from farm.records import PictureSource
from farm.render.pictures.films import LARGEST


def canvas_problems(document: Document, image: PictureSource) -> Iterator[Problem]:
    """Yield what is wrong with the size of the canvas around `image`; one that is scaled anyhow may have any."""
    render = document.manifest.render
    if render.expand is None:
        return
    step = PIPELINES[document.manifest.model.pipeline].step
    picture = image.files[0]
    for word, own, sides, asked in (
        ("wide", picture.width, ("left", "right"), render.width),
        ("high", picture.height, ("top", "bottom"), render.height),
    ):
        added = {side: getattr(render.expand, side) for side in sides}
        size = own + sum(added.values())
        if size <= LARGEST and (asked or size % step == 0):
            continue
        side = next((side for side in reversed(sides) if added[side]), sides[-1])
        below = added[side] - size % step
        fitting = [
            f"{side}: {margin}"
            for margin in (below, below + step)
            if margin >= 0 and size - added[side] + margin <= LARGEST
        ]
        yield document.problem(
            ("render", "expand"),
            f"the canvas is {size} pixels {word}",
            f"needed: a multiple of {step}, up to {LARGEST}",
            f"Nearest: {' or '.join(fitting)}." if fitting else "",
        )
