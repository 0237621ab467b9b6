"""Rules between ControlNets and what each of them has its own of: a picture, a scale, a share of the steps."""

from __future__ import annotations

from collections.abc import Iterator

from farm.manifest.checks.asked import Asked
from farm.manifest.checks.counting import entries, many
from farm.manifest.findings import Finding
from farm.manifest.render import PER_NET


def controlnet_checks(asked: Asked) -> Iterator[Finding]:
    """Yields every mistake in how many there are of what, and in the steps that ControlNets act in."""
    for check in (_nets, _spans, _crop):
        yield from check(asked)


def _nets(asked: Asked) -> Iterator[Finding]:
    control, nets = asked.traits.control, asked.count("controlnets")
    if control is None or "controlnets" not in asked.model:
        return
    if nets == 0 and asked.model["controlnets"] == []:
        needed = f"needed: at least one, which {asked.pipeline} follows"
        yield Finding(path=("model", "controlnets"), found="an empty list", allowed=needed)
    if nets == 0:
        return
    counted = [(control, "picture", entries(asked.render.get(control)))]
    counted += [
        (name, "value", len(value)) for name in PER_NET if isinstance(value := asked.render.get(name), list)
    ]
    for name, what, number in counted:
        if number is not None and number != nets:
            yield Finding(
                path=("render", name),
                found=f"{many(number, what)} for {many(nets, 'ControlNet')}",
                allowed=f"allowed: {nets}, one per ControlNet",
            )


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


def _crop(asked: Asked) -> Iterator[Finding]:
    if asked.render.get("padding_mask_crop") is not None and asked.count("controlnets") > 1:
        yield Finding(
            path=("render", "padding_mask_crop"),
            found=f"a crop around the mask beside {asked.count('controlnets')} ControlNets",
            allowed="allowed: with one, since diffusers crops a single picture",
        )
