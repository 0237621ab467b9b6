"""Rules between the pictures that go in and what looks at them: the pipeline, ControlNets, IP-Adapters."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from farm.manifest.checks.asked import Asked, pipelines_taking, pipelines_with
from farm.manifest.reading.findings import Finding
from farm.manifest.reading.places import Path
from farm.manifest.render import PER_NET, PICTURES

_NEEDED = {
    "image": "needed: the picture that {pipeline} starts from",
    "mask_image": "needed: white where {pipeline} paints anew, or expand",
    "control_image": "needed: what the ControlNets follow, one picture for each",
}


def picture_checks(asked: Asked) -> Iterator[Finding]:
    """Yields every picture that is missing or too many, and every mistake in how many there are."""
    for check in (_missing, _lists, _expand, _nets, _spans, _image_prompts):
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


def _nets(asked: Asked) -> Iterator[Finding]:
    control, nets = asked.traits.control, asked.count("controlnets")
    if control is None or "controlnets" not in asked.model:
        return
    if nets == 0 and asked.model["controlnets"] == []:
        needed = f"needed: at least one, which {asked.pipeline} follows"
        yield Finding(path=("model", "controlnets"), found="an empty list", allowed=needed)
    if nets == 0:
        return
    counted = [(control, "picture", _number(asked.render.get(control)))]
    counted += [
        (name, "value", len(value)) for name in PER_NET if isinstance(value := asked.render.get(name), list)
    ]
    for name, what, number in counted:
        if number is not None and number != nets:
            yield Finding(
                path=("render", name),
                found=f"{_many(number, what)} for {_many(nets, 'ControlNet')}",
                allowed=f"allowed: {nets}, one per ControlNet",
            )


def _number(pictures: Any) -> int | None:
    if isinstance(pictures, list):
        return len(pictures)
    return 1 if isinstance(pictures, str | dict) else None


def _many(number: int, what: str) -> str:
    return f"1 {what}" if number == 1 else f"{number} {what}s"


def _spans(asked: Asked) -> Iterator[Finding]:
    if asked.traits.control is None:
        return
    starts, ends = (asked.argument(f"control_guidance_{edge}") for edge in ("start", "end"))
    for number in range(max(1, asked.count("controlnets"))):
        start, end = (
            each[number] if isinstance(each, list) and number < len(each) else each for each in (starts, ends)
        )
        if isinstance(start, int | float) and isinstance(end, int | float) and start >= end:
            is_given = asked.render.get("control_guidance_start") is not None
            yield Finding(
                path=("render", f"control_guidance_{'start' if is_given else 'end'}"),
                found=f"from {start:g} of the steps up to {end:g}",
                allowed="needed: a start before its end",
            )
            return


def _image_prompts(asked: Asked) -> Iterator[Finding]:
    adapters, path = asked.count("ip_adapters"), ("render", "ip_adapter_image")
    seen = asked.render.get("ip_adapter_image")
    if "ip_adapters" not in asked.traits.parts:
        if seen is not None:
            allowed = pipelines_with("ip_adapters")
            yield Finding(path=path, found=f"{asked.pipeline} takes no image prompts", allowed=allowed)
    elif seen is None:
        if adapters and asked.is_whole:
            yield Finding(path=path, found="missing", allowed="needed: what each of model.ip_adapters sees")
    elif not asked.model.get("ip_adapters"):
        yield Finding(path=path, found="no adapter sees it", allowed="needed: model.ip_adapters")
    elif (number := _number(seen)) is not None and adapters and number != adapters:
        yield Finding(
            path=path,
            found=f"{_many(number, 'entry').replace('entrys', 'entries')} for {_many(adapters, 'IP-Adapter')}",
            allowed=f"allowed: {adapters}, one per IP-Adapter",
            hint="Pictures that one adapter sees together are a list in that list." if adapters == 1 else "",
        )
    yield from _uneven(seen, path)


def _uneven(seen: Any, path: Path) -> Iterator[Finding]:
    """Between keyframes the views are mixed picture by picture."""
    for number, by_frame in enumerate(seen) if isinstance(seen, list) else [(None, seen)]:
        if not isinstance(by_frame, dict):
            continue
        counts = {len(together) if isinstance(together, list) else 1 for together in by_frame.values()}
        if len(counts) > 1:
            yield Finding(
                path=path if number is None else (*path, number),
                found=f"{' and '.join(map(str, sorted(counts)))} pictures at its keyframes",
                allowed="allowed: as many at each, since the first is mixed with the first, the second with the second",
                hint="A picture may be named twice.",
            )
