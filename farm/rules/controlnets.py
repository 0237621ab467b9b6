"""Rules between ControlNets and what each of them has its own of: a picture, a scale, a share of the steps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from farm.inputs.checkpoints.info import Architecture, read_denoiser
from farm.manifest.findings import Finding
from farm.manifest.render import PER_CONTROLNET_ARGUMENTS
from farm.rules.context import Asked, Context, entries, many
from farm.rules.mismatch import mismatch, unequal


def controlnet_checks(asked: Asked) -> Iterator[Finding]:
    """Yields every mistake in how many there are of what, and in the steps that ControlNets act in."""
    for check in (_nets, _spans, _crop):
        yield from check(asked)


def _nets(asked: Asked) -> Iterator[Finding]:
    control, nets = asked.traits.control_argument, asked.count("controlnets")
    if control is None or "controlnets" not in asked.model:
        return
    if nets == 0 and asked.model["controlnets"] == []:
        needed = f"needed: at least one, which {asked.pipeline} follows"
        yield Finding(path=("model", "controlnets"), found="an empty list", allowed=needed)
    if nets == 0:
        return
    counted = [(control, "picture", entries(asked.render.get(control)))]
    counted += [
        (name, "value", len(value))
        for name in PER_CONTROLNET_ARGUMENTS
        if isinstance(value := asked.render.get(name), list)
    ]
    for name, what, number in counted:
        if number is not None and number != nets:
            yield Finding(
                path=("render", name),
                found=f"{many(number, what)} for {many(nets, 'ControlNet')}",
                allowed=f"allowed: {nets}, one per ControlNet",
            )


def _spans(asked: Asked) -> Iterator[Finding]:
    if asked.traits.control_argument is None:
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


_MOST_STAGES = 64


def controlnet_findings(context: Context) -> Iterator[Finding]:
    """Yield every ControlNet that was made for another model, or whose configuration is missing."""
    model = context.inputs.model
    if model is None or model.checkpoint.architecture is None:
        return
    for number, net in enumerate(model.spec.controlnets):
        field, config = ("model", "controlnets", number), model.controlnets[number]
        if config is not None:
            clauses = _clauses(config, model.checkpoint.architecture)
            yield from mismatch((*field, "pretrained"), clauses, "a ControlNet made for this model's UNet")
        elif net.source.kind != "hub":
            where = f"{net.subfolder} of {net.source.pretrained}" if net.subfolder else net.source.pretrained
            yield Finding(
                path=(*field, "subfolder" if net.subfolder else "pretrained"),
                found=f"there is no config.json in {where}",
                allowed="needed: the folder of a ControlNetModel, with its configuration",
            )


def _clauses(config: Mapping[str, Any], model: Architecture) -> Iterator[str]:
    net, unet = read_denoiser(config), model.denoiser
    if net.class_name != "ControlNetModel":
        yield f"it is a {net.class_name or 'model of no name'}, not a ControlNetModel"
        return
    yield from unequal("cross_attention_dim", net.cross_attention_dim, unet.cross_attention_dim)
    yield from unequal("block_out_channels", net.block_out_channels, unet.block_out_channels)
    yield from unequal("layers_per_block", net.layers_per_block, unet.layers_per_block)
    yield from unequal("in_channels", net.in_channels, model.latent_channels)
    hints = config.get("conditioning_embedding_out_channels")
    if isinstance(hints, list) and 0 < len(hints) <= _MOST_STAGES:
        # One halving less than channel counts: as high and wide as a latent in the end.
        yield from unequal("number of pixels per latent", 2 ** (len(hints) - 1), model.vae_factor)
