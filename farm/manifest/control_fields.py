"""Fields of which every ControlNet has its own."""

from __future__ import annotations

from typing import Annotated

from pydantic import Discriminator, Field, Tag

from farm.manifest.fields import KeyframedScale, ScaleMap, ScaleNumber, shape
from farm.manifest.takes import Number, told_union

_Share = Annotated[float, Number(0, 1)]

ControlScales = Annotated[
    ScaleNumber
    | ScaleMap
    | Annotated[tuple[KeyframedScale, ...], Field(strict=False, min_length=1, max_length=10), Tag("<list>")],
    Discriminator(
        shape, **told_union("a number, a map of frame to number, or a list of these, one per ControlNet")
    ),
]
ControlShares = Annotated[
    Annotated[_Share, Tag("<number>")]
    | Annotated[tuple[_Share, ...], Field(strict=False, min_length=1, max_length=10), Tag("<list>")],
    Discriminator(shape, **told_union("a number, or a list of numbers, one per ControlNet")),
]

PER_NET = ("controlnet_conditioning_scale", "control_guidance_start", "control_guidance_end")
"""Arguments of which every ControlNet has its own."""
