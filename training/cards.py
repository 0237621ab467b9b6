"""Model cards of tiny-world, its CLIP and its ResNet: what each folder is, how it was trained, and its figures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from training.export import CLIP, RESNET, WORLD
from training.scenes import BACKGROUNDS, COLOURS, SHAPES, STYLES

_FRONT = """---
license: apache-2.0
library_name: {library}
pipeline_tag: {task}
description: {description}
---

# {name}

{description}.
"""

_VOCABULARY = f"""
## The drawn world

- shapes: {", ".join(SHAPES)}
- colours: {", ".join(COLOURS)}
- backgrounds: {", ".join(BACKGROUNDS)}
- styles: {", ".join(STYLES)}

Of the 512 combinations of shape, colour and background 64 were excluded from all training (`training/scenes.py`);
every figure on this page is for those 64.
"""

_TRAINING = """
## Training

From scratch, by `python -m training`, on {pictures:,} pictures of {size} x {size} pixels drawn by
`training/drawing.py` with captions from `training/scenes.py`, on {machine}. No other pictures, weights or texts were
used. Minutes are wall time on a machine with other load.
{training}
The weights are stored in 16 bits and load as float32 by default.
"""


def write_cards(output: Path, figures: Mapping[str, Any]) -> None:
    """Write a README.md into each folder below `output`; `figures` are those of `evaluation.evaluate`."""
    for name, text in (
        (WORLD, _world(figures)),
        (CLIP, _clip(figures)),
        (RESNET, _resnet(figures)),
    ):
        (output / name / "README.md").write_text(text, encoding="utf-8")


def _world(figures: Mapping[str, Any]) -> str:
    generated, walks, drawn = figures["generated"], figures["walks"], figures["drawn"]
    front = _FRONT.format(
        name=WORLD,
        library="diffusers",
        task="text-to-image",
        description="A small Stable Diffusion that draws a shape in a colour before a backdrop in a style",
    )
    usage = f"""
```python
from diffusers import StableDiffusionPipeline

pipeline = StableDiffusionPipeline.from_pretrained("farm/models/{WORLD}")
pipeline("a red star at the beach, watercolor", num_inference_steps=25, guidance_scale=5).images[0]
```
"""
    evaluation = f"""
## Evaluation

Over {generated["prompts"]} prompts of held-out combinations, 25 DDIM steps, guidance 5:

| measure | share |
|---|---|
| right shape, classified by `{RESNET}` | {generated["shape"]:.1%} |
| right fill colour, by `training/measures.py` | {generated["colour"]:.1%} |
| both | {generated["both"]:.1%} |

The autoencoder reconstructs drawn pictures at {drawn["vae_psnr"]:.1f} dB.

Along {walks["frames"]} frames from one prompt to another the largest change between consecutive frames is
{walks["largest_jump"]:.3f} (root mean square, range 0..1). The roughest frame has {walks["roughest_frame"]:.3f} (mean
difference of neighbouring pixels; drawn pictures have up to {walks["roughest_drawn"]:.3f}, uniform noise 0.333).

A picture took {generated["seconds_per_picture"]:.2f} s on {figures["run"]["machine"]}, in batches of 20.

## Limits

Its vocabulary is the words below; it reads any other word as the nearest of them. One shape per picture.
"""
    training = _training(figures, "vae", "vae-sharp", "text", "clip", "unet")
    return front + usage + evaluation + _VOCABULARY + training


def _clip(figures: Mapping[str, Any]) -> str:
    drawn = figures["drawn"]
    front = _FRONT.format(
        name=CLIP,
        library="transformers",
        task="zero-shot-image-classification",
        description="A small CLIP over the drawn world, whose text half is the text encoder of tiny-world",
    )
    rows = "".join(
        f"| {group} | {drawn[f'clip_{group}']:.1%} |\n"
        for group in ("shape", "colour", "background", "style")
    )
    evaluation = f"""
## Evaluation

Zero-shot, on {drawn["pictures"]} drawn pictures of held-out combinations, one wording per word
("a star", "a red shape", "a picture at the beach", "a picture in cartoon style"):

| group | accuracy |
|---|---|
{rows}"""
    return front + evaluation + _VOCABULARY + _training(figures, "text", "clip", "clip-mean")


def _resnet(figures: Mapping[str, Any]) -> str:
    drawn = figures["drawn"]
    front = _FRONT.format(
        name=RESNET,
        library="transformers",
        task="image-classification",
        description="A small ResNet that names the shape in a picture of the drawn world",
    )
    evaluation = f"""
## Evaluation

It classifies {drawn["resnet_shape"]:.1%} of {drawn["pictures"]} drawn pictures of held-out combinations correctly.
Its training pictures were shifted, scaled, blurred, re-lit and noised, so that it can also classify generated
pictures, none of which it was trained on.
"""
    return front + evaluation + _VOCABULARY + _training(figures, "resnet")


def _training(figures: Mapping[str, Any], *names: str) -> str:
    training = figures["training"]
    runs = [
        f"- {name}: {training[name]['steps']:,} steps in {training[name]['minutes']:.0f} minutes\n"
        for name in names
    ]
    return _TRAINING.format(**figures["run"], training="\n" + "".join(runs))
