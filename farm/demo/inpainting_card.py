"""The section on inpainting in the model card of `tiny-world`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from farm.demo.export import RESNET
from farm.demo.inpainting_evaluation import CELL, MARGIN

_SECTION = """## Inpainting

As `StableDiffusionInpaintPipeline`, at strength 1 and 25 DDIM steps, over {repairs} drawings of held-out combinations.
The prompt names another shape in another colour before the same background in the same style; the mask is the box
around the drawn shape and {margin} pixels more, grown to whole latents of {cell} x {cell} pixels: {masked:.0%} of the picture.

| pictures | shape and colour as told |
|---|---|
{shares}
The shape is named by `{resnet}`, the colour by `farm/demo/colour.py` in the masked part.

What is outside of the mask, against the drawing through the autoencoder and back; the mean over the pictures, and how
many of them are above 30 dB:

| guidance | right outside of the mask | 2 pixels away | {cell} pixels (one latent) away |
|---|---|---|---|
{ratios}
The latents outside of the mask are the drawing's own. What differs there is the decoder's, which makes each pixel of
several latents; so the mask is felt around it, the more, the more the new contrasts with the old. Guidance trades that
against what is told. Against the drawing itself, at guidance {lowest:g} and one latent away, it is {drawing:.1f} dB.

Measured by `python jobs/train_demo.py --stages evaluate-inpainting`.

"""


def with_inpainting(card: str, figures: Mapping[str, Any]) -> str:
    """The card with this section before its limits, in the place of an older one."""
    guided = figures["guided"]
    section = _SECTION.format(
        repairs=figures["repairs"],
        margin=MARGIN,
        cell=CELL,
        masked=figures["masked"],
        resnet=RESNET,
        shares="".join(f"| {name} | {value:.1%} |\n" for name, value in figures["as_told"].items()),
        ratios="".join(f"| {name} | {' | '.join(map(_cell, row))} |\n" for name, row in guided.items()),
        lowest=min(map(float, guided)),
        drawing=figures["against_drawing"],
    )
    return re.sub(r"(## Inpainting\n.*?)?(?=## Limits\n)", lambda _: section, card, count=1, flags=re.DOTALL)


def _cell(measured: Mapping[str, float]) -> str:
    return f"{measured['mean']:.1f} dB, {measured['reached']:.0%}"
