"""The arguments of a pipeline's call, from the recipes of the frames of a chunk."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from PIL.Image import Image

from farm.records import Frame, InputPicture, Scalar
from farm.render.prompts.mixture import Mixture

_OF_ADAPTERS = ("lora_scale.", "ip_adapter_scale.")
_PART = re.compile(r"(\w+)\.(\d+)")
_PAIRS = re.compile(r"(negative_)?(original_size|target_size|crops_coords_top_left)")

Read = Callable[[InputPicture], Image]
Stack = Callable[[Sequence[Image], int | None, int | None], torch.Tensor]


def call_arguments(slots: Sequence[Frame], read: Read, stack: Stack) -> dict[str, Any]:
    """Return what a pipeline is called with for these frames, all but its generators.

    `read` opens a picture, `stack` makes one tensor [B, 3, height, width] of a ControlNet's. Numbers are the first
    frame's, as a call takes one for all of its pictures. What is null is left to the pipeline.
    """
    first = slots[0].recipe
    prompts = [frame.recipe.conditioning for frame in slots]
    arguments: dict[str, Any] = {"prompt": [Mixture(conditioning) for conditioning in prompts]}
    if prompts[0].negative_prompt is not None:
        arguments["negative_prompt"] = [conditioning.negative_prompt for conditioning in prompts]
    arguments |= _numbers(first.arguments)
    size = arguments.get("height"), arguments.get("width")
    arguments |= _pictures(slots, read, lambda pictures: stack(pictures, *size))
    if first.image_prompts:
        arguments["ip_adapter_image"] = [frame.recipe.image_prompts for frame in slots]
    if "padding_mask_crop" in arguments:  # which diffusers knows for one picture only
        pictures = ("image", "mask_image", "control_image")
        arguments |= {name: arguments[name][0] for name in pictures if name in arguments}
    return arguments


def _numbers(written: Mapping[str, Scalar]) -> dict[str, Any]:
    given = {
        name: value
        for name, value in written.items()
        if value is not None and not name.startswith(_OF_ADAPTERS)
    }
    numbers: dict[str, Any] = {name: value for name, value in given.items() if not _PART.fullmatch(name)}
    for name, parts in _parts(given).items():
        if _PAIRS.fullmatch(name):
            numbers[name] = tuple(parts)
        else:
            numbers[name] = parts[0] if len(parts) == 1 else parts
    return numbers


def _pictures(
    slots: Sequence[Frame], read: Read, stack: Callable[[Sequence[Image]], torch.Tensor]
) -> dict[str, Any]:
    """Read the frames' pictures: for each argument a list of one per frame; for several ControlNets a stack each."""
    rows = [{name: read(picture) for name, picture in frame.recipe.pictures.items()} for frame in slots]
    pictures: dict[str, Any] = {
        name: [row[name] for row in rows] for name in rows[0] if not _PART.fullmatch(name)
    }
    for name in _parts(rows[0]):
        nets = list(zip(*(_parts(row)[name] for row in rows), strict=True))
        pictures[name] = list(nets[0]) if len(nets) == 1 else [stack(list(net)) for net in nets]
    if "depth_map" in pictures:
        pictures["depth_map"] = torch.stack([_depth(picture) for picture in pictures["depth_map"]])
    return pictures


def _parts(arguments: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Gather `name.0`, `name.1`, ... into lists."""
    gathered: dict[str, dict[int, Any]] = {}
    for name, value in arguments.items():
        if match := _PART.fullmatch(name):
            gathered.setdefault(match[1], {})[int(match[2])] = value
    return {name: [parts[number] for number in sorted(parts)] for name, parts in gathered.items()}


def _depth(picture: Image) -> torch.Tensor:
    """Return a grey picture as numbers, [height, width]: what is nearer is brighter."""
    return torch.from_numpy(np.asarray(picture.convert("L"), dtype=np.float32) / 255)
