"""Keyframes stay within the animation, wherever they are written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from farm.manifest.checks.animation_checks import frame_count
from farm.manifest.findings import Finding
from farm.manifest.location import FieldPath
from farm.manifest.render import KEYFRAMED

Data = Mapping[Any, Any]


def keyframe_checks(manifest: Data) -> Iterator[Finding]:
    """Yields every keyframe after the last frame."""
    match manifest:
        case {"animation": dict(animation)}:
            frames = frame_count(animation)
        case _:
            return
    for path, keyframes in keyframed(manifest):
        for frame in keyframes if isinstance(keyframes, dict) else ():
            if frames is not None and isinstance(frame, int) and frame >= frames:
                yield Finding(
                    path=(*path, frame),
                    found=f"frame {frame} of an animation of {frames} frames",
                    allowed=f"allowed: frames from 0 to {frames - 1}",
                )


def keyframed(manifest: Data) -> Iterator[tuple[FieldPath, Any]]:
    """Yields every field that takes keyframes, with what is written there."""
    match manifest:
        case {"model": dict(model)}:
            for field in ("loras", "ip_adapters"):
                for path, adapter in _each(("model", field), model.get(field)):
                    if isinstance(adapter, dict):
                        yield (*path, "scale"), adapter.get("scale")
    match manifest:
        case {"render": dict(render)}:
            for argument in (*KEYFRAMED, "ip_adapter_image"):
                yield from _each(("render", argument), render.get(argument))


def _each(path: FieldPath, written: Any) -> Iterator[tuple[FieldPath, Any]]:
    """Yields what is written, or the entries of a list."""
    if isinstance(written, list):
        yield from (((*path, number), entry) for number, entry in enumerate(written))
    else:
        yield path, written
