"""Reads the contents of masks, depth maps and edge sources: their greys, and whether they have edges."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from farm.inputs.pictures.decode import open_film
from farm.manifest import Manifest
from farm.manifest.image_fields import Canny, Picture
from farm.manifest.location import FieldPath
from farm.manifest.references import written_pictures
from farm.records import CannySpec, PictureSource

if TYPE_CHECKING:
    from PIL import Image


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureContents:
    """The contents of input pictures, by the field that names them.

    `greys` are the darkest and the brightest value, 0 to 255, of each picture that frames use of a mask or depth map;
    `edgeless` are the fields whose edge maps are empty in every picture.
    """

    greys: Mapping[FieldPath, tuple[tuple[int, int], ...]]
    edgeless: frozenset[FieldPath]


def read_contents(manifest: Manifest, pictures: Mapping[str, PictureSource]) -> PictureContents:
    """Decode the masks, depth maps and edge sources of a manifest; `pictures` are keyed by their names in it.

    Raises:
        StorageError: when one cannot be read.
    """
    greys: dict[FieldPath, tuple[tuple[int, int], ...]] = {}
    edgeless: set[FieldPath] = set()
    frames = manifest.animation.frame_count
    for field, text in written_pictures(manifest):
        source, canny = pictures[text], _canny(manifest, field)
        if field[1] == "depth_map":
            greys[field] = tuple(map(_extremes, islice(_images(source, 1), 1)))
        elif field[1] == "mask_image" and canny is None and _is_checked(manifest, source):
            greys[field] = tuple(map(_extremes, _images(source, frames if source.moves else 1)))
        if canny is not None and not any(_has_edges(image, canny) for image in _images(source, frames)):
            edgeless.add(field)
    return PictureContents(greys=greys, edgeless=frozenset(edgeless))


def _is_checked(manifest: Manifest, source: PictureSource) -> bool:
    """Return whether a black mask is a mistake: single pictures of a moving mask may be black, except when cropping."""
    return not source.moves or manifest.render.padding_mask_crop is not None


def _canny(manifest: Manifest, field: FieldPath) -> CannySpec | None:
    """Return the edge detection of the picture at a field, or None."""
    written: Any = getattr(manifest.render, str(field[1]))
    if isinstance(written, tuple) and len(field) > 2:
        written = written[int(field[2])]
    canny: Canny | None = written.canny if isinstance(written, Picture) else None
    if canny is None:
        return None
    return CannySpec(low_threshold=canny.low_threshold, high_threshold=canny.high_threshold)


def _extremes(image: Image.Image) -> tuple[int, int]:
    darkest, brightest = image.convert("L").getextrema()
    return int(darkest), int(brightest)  # type: ignore[arg-type]


def _has_edges(image: Image.Image, edges: CannySpec) -> bool:
    from farm.inputs.pictures.prepare import prepare  # loads OpenCV only for the first edge map

    return prepare(image, edges).getbbox() is not None


def _images(source: PictureSource, frames: int) -> Iterator[Image.Image]:
    for file in source.files[:frames]:
        with closing(open_film(Path(file.location))) as film:
            yield from (film.picture(number) for number in range(min(file.count, frames)))
