"""Whether a mask and a depth map hold what they are for.

Of a depth map that moves the first picture is looked at, of a mask that does all, where a black one makes a frame fail.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from PIL import Image

from farm.inputs.absolute_paths import located_picture
from farm.inputs.pictures.decode import open_film
from farm.manifest import Document
from farm.manifest.findings import Finding
from farm.manifest.image_fields import Canny, Picture
from farm.manifest.location import FieldPath
from farm.manifest.references import written_pictures
from farm.manifest.render import Render
from farm.records import Canny as Edges
from farm.records import PictureSource

_WHITE = 128
"""diffusers paints where a mask is this bright or brighter."""


def content_findings(document: Document, pictures: Mapping[str, PictureSource]) -> Iterator[Finding]:
    """Yield a depth map without any depth, and a mask that leaves nothing to paint; `pictures` by whole paths."""
    render = document.manifest.render
    makes_edges = isinstance(render.mask_image, Picture) and render.mask_image.canny is not None
    for field, text in written_pictures(document.manifest):
        source = pictures[located_picture(document, text)]
        if field[1] == "depth_map":
            yield from _flat(field, text, source)
        elif field[1] == "mask_image" and not makes_edges:
            yield from _black(document, field, text, source)


def _flat(field: FieldPath, text: str, source: PictureSource) -> Iterator[Finding]:
    darkest, brightest = next(_extremes(source, 1))
    if darkest == brightest:
        yield Finding(
            path=field,
            found=f"{text} is of one grey, which diffusers cannot scale to depths",
            allowed="needed: what is nearer is brighter; or no depth_map, so that it is estimated",
        )


def _black(document: Document, field: FieldPath, text: str, source: PictureSource) -> Iterator[Finding]:
    if source.moves and document.manifest.render.padding_mask_crop is None:  # it may well be black at times
        return
    frames = document.manifest.animation.frame_count if source.moves else 1
    for frame, (_, brightest) in enumerate(_extremes(source, frames)):
        if brightest < _WHITE:
            which = f"picture {frame} of {text}" if source.moves else text
            yield Finding(
                path=field,
                found=f"{which} has no white, so that nothing would be painted",
                allowed="needed: white where it is painted anew",
            )
            return


def _extremes(source: PictureSource, frames: int) -> Iterator[tuple[int, int]]:
    """Yield the darkest and the brightest grey of as many pictures."""
    for file in source.files[:frames]:
        with closing(open_film(Path(file.location))) as film:
            for number in range(min(file.count, frames)):
                darkest, brightest = film.picture(number).convert("L").getextrema()
                yield int(darkest), int(brightest)  # type: ignore[arg-type]


def edge_remarks(document: Document, pictures: Mapping[str, PictureSource]) -> Iterator[Finding]:
    """Yield every picture, sequence or video in which nothing is an edge; `pictures` by whole paths."""
    manifest = document.manifest
    for field, text in written_pictures(manifest):
        canny = _canny(manifest.render, field)
        if canny is None:
            continue
        edges = Edges(low_threshold=canny.low_threshold, high_threshold=canny.high_threshold)
        source = pictures[located_picture(document, text)]
        if not any(_has_edges(image, edges) for image in _images(source, manifest.animation.frame_count)):
            yield Finding(
                path=(*field[:-1], "canny"),
                found=f"{text} has no edges, so that there is nothing to follow",
                allowed="needed: a picture with contrasts, or lower thresholds",
            )


def _canny(render: Render, field: FieldPath) -> Canny | None:
    """Return how edges are found in the picture whose file is written at a place, if they are."""
    written: Any = getattr(render, str(field[1]))
    if isinstance(written, tuple) and len(field) > 2:
        written = written[int(field[2])]
    return written.canny if isinstance(written, Picture) else None


def _has_edges(image: Image.Image, edges: Edges) -> bool:
    from farm.render.pictures import prepare

    return prepare(image, edges).getbbox() is not None


def _images(source: PictureSource, frames: int) -> Iterator[Image.Image]:
    for file in source.files[:frames]:
        with closing(open_film(Path(file.location))) as film:
            yield from (film.picture(number) for number in range(min(file.count, frames)))
