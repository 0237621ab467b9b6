"""Whether there are edges in what ControlNets are to follow the edges of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from PIL import Image

from farm.manifest import Document
from farm.manifest.findings import Finding
from farm.manifest.image_fields import Canny, Picture
from farm.manifest.location import FieldPath
from farm.manifest.references import written_pictures
from farm.manifest.render import Render
from farm.records import Canny as Edges
from farm.records import PictureSource
from farm.render.pictures.picture_files import open_film
from farm.run.pictures.whole_paths import located_picture


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
    from farm.render.pictures.prepared_pictures import (
        prepare,
    )  # with OpenCV, which takes half a second to load

    return prepare(image, edges).getbbox() is not None


def _images(source: PictureSource, frames: int) -> Iterator[Image.Image]:
    for file in source.files[:frames]:
        with closing(open_film(Path(file.location))) as film:
            yield from (film.picture(number) for number in range(min(file.count, frames)))
