"""Makes a manifest independent of its folder by giving local files absolute paths."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from farm.inputs.pictures.files import absolute_path
from farm.manifest import Document, Manifest
from farm.manifest.references import with_pictures
from farm.manifest.sources import SINGLE_SOURCES, SOURCE_LISTS, Source
from farm.records import AnalysisSpec, DiffusersSpec, ModelSource, PictureSource, RendererSpec


def with_absolute_paths(
    document: Document, renderer: RendererSpec, analysis: AnalysisSpec | None = None
) -> Manifest:
    """Return the manifest with absolute paths of local checkpoints and pictures, valid in any folder."""
    manifest = with_pictures(document.manifest, partial(located_picture, document))
    if analysis is not None and manifest.analysis is not None:
        written = manifest.analysis
        models = {
            "clip": analysis.clip and written.clip and _located(written.clip, analysis.clip),
            "classifier": analysis.classifier
            and written.classifier
            and _located(written.classifier, analysis.classifier),
        }
        manifest = manifest.model_copy(update={"analysis": written.model_copy(update=models)})
    if not isinstance(renderer, DiffusersSpec):
        return manifest
    model = manifest.model
    located: dict[str, object] = {
        field: _all_located(getattr(model, field), getattr(renderer, field)) for field in SOURCE_LISTS
    }
    for field in SINGLE_SOURCES:
        written = getattr(model, field)
        located[field] = None if written is None else _located(written, getattr(renderer, field))
    return manifest.model_copy(
        update={"model": model.model_copy(update={"pretrained": _absolute(renderer.source), **located})}
    )


def located_picture(document: Document, picture: str) -> str:
    """Return the absolute path of a manifest's picture, pattern or folder of pictures."""
    return str(absolute_path(picture, document.folder))


def by_absolute_paths(
    document: Document, pictures: Mapping[str, PictureSource]
) -> Mapping[str, PictureSource]:
    """Return the pictures by their absolute paths, as in the result of `with_absolute_paths`."""
    return {located_picture(document, text): source for text, source in pictures.items()}


def _all_located(written: Sequence[Source], found: Sequence[Any]) -> tuple[Source, ...]:
    return tuple(_located(each, part) for each, part in zip(written, found, strict=True))


def _located(written: Any, found: Any) -> Any:
    source = found if isinstance(found, ModelSource) else found.source
    return written.model_copy(update={"pretrained": _absolute(source)})


def _absolute(source: ModelSource) -> str:
    return source.location if source.kind in ("folder", "file") else source.pretrained
