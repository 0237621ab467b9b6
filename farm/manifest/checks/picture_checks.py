"""Rules between the pictures that go in and the pipeline that starts from them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from farm.manifest.checks.asked import Asked, pipelines_taking
from farm.manifest.findings import Finding
from farm.manifest.image_fields import Canny
from farm.manifest.location import FieldPath
from farm.manifest.render import PICTURES

_NEEDED = {
    "image": "needed: the picture that {pipeline} starts from",
    "mask_image": "needed: white where {pipeline} paints anew, or expand",
    "control_image": "needed: what the ControlNets follow, one picture for each",
}


def picture_checks(asked: Asked) -> Iterator[Finding]:
    """Yields every picture that is missing or too many, and every mistake in what is made of them."""
    for check in (_missing, _lists, _expand, _edges):
        yield from check(asked)


def _missing(asked: Asked) -> Iterator[Finding]:
    if asked.traits.control and "controlnets" not in asked.model:
        needed = f"needed: at least one, which {asked.pipeline} follows"
        yield Finding(path=("model", "controlnets"), found="missing", allowed=needed)
    if not asked.is_whole:
        return
    for name in asked.traits.needed_pictures:
        is_made = name == "mask_image" and asked.render.get("expand") is not None
        if asked.render.get(name) is None and not is_made:
            needed = _NEEDED["control_image" if name == asked.traits.control else name]
            yield Finding(
                path=("render", name), found="missing", allowed=needed.format(pipeline=asked.pipeline)
            )


def _lists(asked: Asked) -> Iterator[Finding]:
    for name in PICTURES:
        is_list = isinstance(asked.render.get(name), list)
        if is_list and name in asked.traits.arguments and name != asked.traits.control:
            allowed = f"allowed: one, since {asked.pipeline} starts from one"
            yield Finding(path=("render", name), found="a list of pictures", allowed=allowed)


def _expand(asked: Asked) -> Iterator[Finding]:
    expand, path = asked.render.get("expand"), ("render", "expand")
    if expand is None:
        return
    if "mask_image" not in asked.traits.arguments:
        yield Finding(
            path=path,
            found=f"{asked.pipeline} paints no added sides",
            allowed=pipelines_taking("mask_image"),
        )
    elif asked.render.get("mask_image") is not None:
        found = "a mask beside expand, which makes one"
        yield Finding(path=("render", "mask_image"), found=found, allowed="allowed: one of the two")
    match asked.render.get("image"):
        case {"canny": dict()}:
            found = "edges beside expand"
            yield Finding(path=("render", "image", "canny"), found=found, allowed="allowed: one of the two")
    if isinstance(expand, dict) and all(expand.get(side, 0) == 0 for side in _SIDES):
        yield Finding(path=path, found="nothing is added", allowed="needed: 1 pixel or more at one side")


_SIDES = ("left", "right", "top", "bottom")


def _edges(asked: Asked) -> Iterator[Finding]:
    for path, picture in _pictures(asked):
        match picture:
            case {"canny": dict(canny)}:
                yield from _thresholds((*path, "canny"), canny)
                if path[1] == "depth_map":
                    yield Finding(
                        path=(*path, "canny"),
                        found="edges in the place of a depth map",
                        allowed="allowed: a picture of the depth, the nearer the brighter",
                    )


def _thresholds(path: FieldPath, canny: Mapping[Any, Any]) -> Iterator[Finding]:
    """OpenCV exchanges them without a word."""
    low = canny.get("low_threshold", Canny().low_threshold)
    high = canny.get("high_threshold", Canny().high_threshold)
    if isinstance(low, int | float) and isinstance(high, int | float) and low > high:
        name = "low_threshold" if "low_threshold" in canny else "high_threshold"
        yield Finding(
            path=(*path, name),
            found=f"low_threshold {low:g} above high_threshold {high:g}",
            allowed="needed: a low_threshold up to the high_threshold",
        )


def _pictures(asked: Asked) -> Iterator[tuple[FieldPath, Any]]:
    for name in PICTURES:
        written = asked.render.get(name)
        if isinstance(written, list):
            yield from ((("render", name, number), picture) for number, picture in enumerate(written))
        else:
            yield ("render", name), written
