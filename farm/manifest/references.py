"""The prompts and pictures that a manifest names, with the field of each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from farm.manifest.image_fields import Picture
from farm.manifest.location import FieldPath
from farm.manifest.render import PICTURES
from farm.manifest.schema import Manifest


def written_prompts(manifest: Manifest) -> Iterator[tuple[FieldPath, str]]:
    """Yields the place of every prompt and its words: those of the animation, then the negative one."""
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
    """Yields the place of every picture's path and the path as it is written: one that is written twice, twice."""
    for name in (*PICTURES, "ip_adapter_image"):
        yield from _paths(("render", name), getattr(manifest.render, name))


def with_pictures(manifest: Manifest, change: Callable[[str], str]) -> Manifest:
    """Returns the manifest with every picture's path changed."""
    changed = {
        name: _changed(getattr(manifest.render, name), change) for name in (*PICTURES, "ip_adapter_image")
    }
    return manifest.model_copy(update={"render": manifest.render.model_copy(update=changed)})


def _paths(path: FieldPath, written: Any) -> Iterator[tuple[FieldPath, str]]:
    match written:
        case str():
            yield path, written
        case Picture():
            yield (*path, "file"), written.file
        case tuple():
            for number, entry in enumerate(written):
                yield from _paths((*path, number), entry)
        case dict():
            for frame, entry in written.items():
                yield from _paths((*path, frame), entry)


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
