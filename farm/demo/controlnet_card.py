"""The ControlNet's model card."""

from __future__ import annotations

from collections.abc import Mapping

from farm.demo.controlnet import BATCH, DROPPED, THRESHOLDS
from farm.demo.export import CANNY, WORLD

_CARD = """---
license: apache-2.0
library_name: diffusers
pipeline_tag: image-to-image
description: A ControlNet for {world} that puts the shape where the canny edges of a picture are
---

# {name}

A ControlNet for {world} that puts the shape where the canny edges of a picture are.

```python
import cv2
import numpy as np
from diffusers import ControlNetModel, StableDiffusionControlNetPipeline
from PIL import Image

picture = Image.open("picture.png").convert("RGB").resize((64, 64))
edges = Image.fromarray(cv2.Canny(np.asarray(picture), {low}, {high})).convert("RGB")
pipeline = StableDiffusionControlNetPipeline.from_pretrained(
    "farm/models/{world}", controlnet=ControlNetModel.from_pretrained("farm/models/{name}")
)
pipeline("a red star at the beach, watercolor", edges, num_inference_steps=25, guidance_scale=5).images[0]
```

## How good it is

Over the edges of {edges} drawings of held-out combinations, each with its caption, 25 DDIM steps, guidance 5,
`controlnet_conditioning_scale` 1: the intersection over union of the shape found in the picture with the shape that
was drawn, without rim, ink or glow.

| pictures | mean | least | at least 0.7 |
|---|---|---|---|
| **with this ControlNet** | **{guided}** |
| with it, the prompt tells the colour only ("a red shape") | {unnamed} |
| without it, same prompts and seeds | {not_guided} |
| the drawings through the autoencoder and back | {autoencoded} |
| the drawings themselves | {drawn} |

A shape is found by its colour (`farm/demo/masks.py`), without any learnt model. The last two rows are what that
measure reads at best: no picture of {world} is sharper than its autoencoder. One that shows another colour than asked
for, or none, counts with what is found, down to 0.

The command: `python jobs/train_demo.py --stages evaluate-controlnet`.

## Limits

It was trained on the edges of whole drawings, rims, ink and backdrops included, at 64 x 64 pixels. Place and size it
follows closely, a tilt less, and thin details, such as a star's tips, are often lost. A prompt should name the shape.

## How it was made

By `python jobs/train_demo.py --stages controlnet export`, on the pictures and captions of {world}, whose U-Net was
frozen: {steps:,} steps of {batch} pictures in {minutes:.0f} minutes on one core of a CPU, by the clock, whatever else
ran on the machine. {dropped:.0%} of the captions were dropped. It begins as the U-Net's encoder, but its middle has no
attention.

The weights are stored in 16 bits and load as float32 unless told otherwise.
"""


def controlnet_card(
    figures: Mapping[str, Mapping[str, float]], edges: int, steps: int, minutes: float
) -> str:
    """The card's text; `figures` by kind of picture: mean, least, and the share that reached 0.7."""
    cells = {
        name: f"{row['mean']:.3f} | {row['least']:.3f} | {row['reached']:.0%}"
        for name, row in figures.items()
    }
    low, high = THRESHOLDS
    return _CARD.format(
        name=CANNY,
        world=WORLD,
        low=low,
        high=high,
        edges=edges,
        guided=cells["guided"].replace(" | ", "** | **"),
        unnamed=cells["guided, shape unnamed"],
        not_guided=cells["not guided"],
        autoencoded=cells["autoencoded"],
        drawn=cells["drawn"],
        steps=steps,
        minutes=minutes,
        batch=BATCH,
        dropped=DROPPED,
    )
