"""The section on inpainting in the model card of `tiny-world`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from farm.demo.export import RESNET
from farm.demo.inpainting_evaluation import CELL, MARGIN

_SECTION = """## Inpainting

As `StableDiffusionInpaintPipeline`, at strength 1 and 25 DDIM steps, over {repairs} drawings of held-out combinations.
The prompt names another shape in another colour before the same background in the same style. The mask is the box
around the drawn shape and {margin} pixels more, grown to whole latents of {cell} x {cell} pixels: {masked:.0%} of all.

| pictures | shape and colour as told |
|---|---|
{shares}
The shape is named by `{resnet}`, the colour by `farm/demo/colour.py` in the masked part.

What is more than some pixels outside of the mask, against the drawing through the autoencoder and back, in dB:

| guidance | pixels away | pictures | mean | least | above 30 dB | all pixels together |
|---|---|---|---|---|---|---|
{ratios}
The latents outside of the mask are the drawing's own, bit for bit. What differs is the decoder's, which makes each
pixel of several latents: beside the mask, and most where a new outline touches its border. {cell} pixels, one latent,
away little is left of it; {far} of the pictures reach that far. Against the drawing itself it is {drawing:.1f} dB
there, at guidance {lowest:g}.

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
        ratios="".join(_row(guidance, measured) for guidance, rows in guided.items() for measured in rows),
        lowest=min(map(float, guided)),
        drawing=figures["against_drawing"],
        far=min(measured["pictures"] for rows in guided.values() for measured in rows),
    )
    return re.sub(r"(## Inpainting\n.*?)?(?=## Limits\n)", lambda _: section, card, count=1, flags=re.DOTALL)


def _row(guidance: str, measured: Mapping[str, float]) -> str:
    cells = [
        guidance,
        measured["distance"],
        measured["pictures"],
        *(f"{measured[name]:.1f}" for name in ("mean", "least")),
        f"{measured['reached']:.0%}",
        f"{measured['together']:.1f}",
    ]
    return f"| {' | '.join(map(str, cells))} |\n"
