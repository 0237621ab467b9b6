"""The prompts and pictures that a manifest names, each with its field."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from farm.manifest.image_fields import Picture
from farm.manifest.location import FieldPath
from farm.manifest.render import IMAGE_ARGUMENTS
from farm.manifest.schema import Manifest

_PICTURE_FIELDS = (*IMAGE_ARGUMENTS, "ip_adapter_image")


def written_prompts(manifest: Manifest) -> Iterator[tuple[FieldPath, str]]:
    """Yield the field and text of every prompt: the animation's first, then the negative prompt."""
    match getattr(manifest.animation, "prompts", None):
        case None:
            yield ("animation", "prompt"), getattr(manifest.animation, "prompt", "")
        case Mapping() as prompts:
            yield from ((("animation", "prompts", frame), prompt) for frame, prompt in prompts.items())
        case prompts:
            yield from ((("animation", "prompts", number), prompt) for number, prompt in enumerate(prompts))
    if manifest.render.negative_prompt is not None:
        yield ("render", "negative_prompt"), manifest.render.negative_prompt


def written_pictures(manifest: Manifest) -> Iterator[tuple[FieldPath, str]]:
    """Yield the field and the written path of every picture, including duplicate paths."""
    for name in _PICTURE_FIELDS:
        yield from _paths(("render", name), getattr(manifest.render, name))


def with_pictures(manifest: Manifest, change: Callable[[str], str]) -> Manifest:
    """Return the manifest with `change` applied to the path of every picture."""
    changed = {name: _changed(getattr(manifest.render, name), change) for name in _PICTURE_FIELDS}
    return manifest.model_copy(update={"render": manifest.render.model_copy(update=changed)})


def _paths(field: FieldPath, written: Any) -> Iterator[tuple[FieldPath, str]]:
    match written:
        case str():
            yield field, written
        case Picture():
            yield (*field, "file"), written.file
        case tuple():
            for number, entry in enumerate(written):
                yield from _paths((*field, number), entry)
        case dict():
            for frame, entry in written.items():
                yield from _paths((*field, frame), entry)


def _changed(written: Any, change: Callable[[str], str]) -> Any:
    match written:
        case str():
            return change(written)
        case Picture():
            return written.model_copy(update={"file": change(written.file)})
        case tuple():
            return tuple(_changed(entry, change) for entry in written)
        case dict():
            return {frame: _changed(entry, change) for frame, entry in written.items()}
    return written
