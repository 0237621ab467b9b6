"""ControlNets: compatibility with the model, and one picture, scale and range of steps for each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from farm.inputs.checkpoints.info import Architecture, read_denoiser
from farm.manifest.findings import Finding
from farm.manifest.render import PER_CONTROLNET_ARGUMENTS
from farm.rules.context import Context, WrittenManifest, count_entries, counted
from farm.rules.mismatch import mismatch, unequal


def controlnet_checks(written: WrittenManifest) -> Iterator[Finding]:
    """Yield every wrong number of pictures and values, empty range of steps, and crop with several ControlNets."""
    for check in (_nets, _spans, _crop):
        yield from check(written)


def _nets(written: WrittenManifest) -> Iterator[Finding]:
    control, nets = written.traits.control_argument, written.count("controlnets")
    if control is None or "controlnets" not in written.model:
        return
    if nets == 0 and written.model["controlnets"] == []:
        needed = f"needed: at least one ControlNet for {written.pipeline}"
        yield Finding(path=("model", "controlnets"), found="an empty list", allowed=needed)
    if nets == 0:
        return
    numbers = [(control, "picture", count_entries(written.render.get(control)))]
    numbers += [
        (name, "value", len(value))
        for name in PER_CONTROLNET_ARGUMENTS
        if isinstance(value := written.render.get(name), list)
    ]
    for name, what, number in numbers:
        if number is not None and number != nets:
            yield Finding(
                path=("render", name),
                found=f"{counted(number, what)} for {counted(nets, 'ControlNet')}",
                allowed=f"allowed: {nets}, one per ControlNet",
            )


def _spans(written: WrittenManifest) -> Iterator[Finding]:
    if written.traits.control_argument is None:
        return
    starts, ends = (written.argument(f"control_guidance_{edge}") for edge in ("start", "end"))
    for number in range(max(1, written.count("controlnets"))):
        start, end = (
            each[number] if isinstance(each, list) and number < len(each) else each for each in (starts, ends)
        )
        if isinstance(start, int | float) and isinstance(end, int | float) and start >= end:
            is_start_set = written.render.get("control_guidance_start") is not None
            yield Finding(
                path=("render", f"control_guidance_{'start' if is_start_set else 'end'}"),
                found=f"from {start:g} of the steps up to {end:g}",
                allowed="needed: a start before the end",
            )
            return


def _crop(written: WrittenManifest) -> Iterator[Finding]:
    if written.render.get("padding_mask_crop") is not None and written.count("controlnets") > 1:
        yield Finding(
            path=("render", "padding_mask_crop"),
            found=f"a crop around the mask with {written.count('controlnets')} ControlNets",
            allowed="allowed: one ControlNet, since diffusers crops a single picture",
        )


_MAX_STAGES = 64


def controlnet_findings(context: Context) -> Iterator[Finding]:
    """Yield every ControlNet that was trained for another model, or whose configuration is missing."""
    model = context.inputs.model
    if model is None or model.checkpoint.architecture is None:
        return
    for number, net in enumerate(model.spec.controlnets):
        field, config = ("model", "controlnets", number), model.controlnets[number]
        if config is not None:
            clauses = _clauses(config, model.checkpoint.architecture)
            yield from mismatch((*field, "pretrained"), clauses, "a ControlNet trained for this model's UNet")
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
        yield f"it is a {net.class_name or 'model without a class name'}, not a ControlNetModel"
        return
    yield from unequal("cross_attention_dim", net.cross_attention_dim, unet.cross_attention_dim)
    yield from unequal("block_out_channels", net.block_out_channels, unet.block_out_channels)
    yield from unequal("layers_per_block", net.layers_per_block, unet.layers_per_block)
    yield from unequal("in_channels", net.in_channels, model.latent_channels)
    hints = config.get("conditioning_embedding_out_channels")
    if isinstance(hints, list) and 0 < len(hints) <= _MAX_STAGES:
        # One halving fewer than channel counts: the last stage has the size of a latent.
        yield from unequal("number of pixels per latent", 2 ** (len(hints) - 1), model.vae_factor)
