"""Model cards: what each shipped folder is, how it was made, and the figures that the evaluation measured."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from farm.demo.export import CLIP, RESNET, WORLD
from farm.demo.vocabulary import BACKGROUNDS, COLOURS, SHAPES, STYLES

_FRONT = """---
license: apache-2.0
library_name: {library}
pipeline_tag: {task}
description: {description}
---

# {name}

{description}.
"""

_WORLD_WORDS = f"""
## The drawn world

- shapes: {", ".join(SHAPES)}
- colours: {", ".join(COLOURS)}
- backgrounds: {", ".join(BACKGROUNDS)}
- styles: {", ".join(STYLES)}

Of the 512 combinations of shape, colour and background 64 were kept from every training (`farm/demo/vocabulary.py`);
every figure on this page is about those 64.
"""

_MADE = """
## How it was made

From nothing, by `python jobs/train_demo.py`, on {pictures:,} pictures of {size} x {size} pixels drawn by
`farm/demo/world.py` with captions from `farm/demo/captions.py`, on {machine}. No picture, weight or text from
elsewhere went in. Minutes are by the clock, whatever else ran on the machine.
{training}
The weights are stored in 16 bits and load as float32 unless told otherwise.
"""


def write_cards(output: Path, figures: Mapping[str, Any]) -> None:
    """Write a README.md into each shipped folder below `output`; `figures` come from `measuring.measure`."""
    for name, text in (
        (WORLD, _world(figures)),
        (CLIP, _clip(figures)),
        (RESNET, _resnet(figures)),
    ):
        (output / name / "README.md").write_text(text, encoding="utf-8")


def _world(figures: Mapping[str, Any]) -> str:
    made, walks, drawn = figures["generated"], figures["walks"], figures["drawn"]
    front = _FRONT.format(
        name=WORLD,
        library="diffusers",
        task="text-to-image",
        description="A small Stable Diffusion that draws a shape in a colour before a backdrop in a style",
    )
    use = f"""
```python
from diffusers import StableDiffusionPipeline

pipeline = StableDiffusionPipeline.from_pretrained("farm/models/{WORLD}")
pipeline("a red star at the beach, watercolor", num_inference_steps=25, guidance_scale=5).images[0]
```
"""
    good = f"""
## How good it is

Over {made["prompts"]} prompts of held-out combinations, 25 DDIM steps, guidance 5:

| measure | share |
|---|---|
| right shape, named by `{RESNET}` | {made["shape"]:.1%} |
| right fill colour, by `farm/demo/colour.py` | {made["colour"]:.1%} |
| both | {made["both"]:.1%} |

The autoencoder brings drawn pictures back at {drawn["vae_psnr"]:.1f} dB.

Along {walks["frames"]} frames from one prompt to another the largest change from one frame to the next is
{walks["largest_jump"]:.3f} (root mean square, of the range 0..1). The roughest frame has {walks["roughest_frame"]:.3f}
(mean difference of neighbouring pixels; drawn pictures reach {walks["roughest_drawn"]:.3f}, even noise has 0.333).

A picture took {made["seconds_per_picture"]:.2f} s on {figures["run"]["machine"]}, in batches of 20.

## Limits

It knows the words below and nothing else; other words are read as the nearest thing it knows. One shape per picture.
"""
    return front + use + good + _WORLD_WORDS + _made(figures, "vae", "vae-sharp", "text", "clip", "unet")


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
    good = f"""
## How good it is

Zero-shot, on {drawn["pictures"]} drawn pictures of held-out combinations, one wording per word
("a star", "a red shape", "a picture at the beach", "a picture in cartoon style"):

| group | accuracy |
|---|---|
{rows}"""
    return front + good + _WORLD_WORDS + _made(figures, "text", "clip", "clip-mean")


def _resnet(figures: Mapping[str, Any]) -> str:
    drawn = figures["drawn"]
    front = _FRONT.format(
        name=RESNET,
        library="transformers",
        task="image-classification",
        description="A small ResNet that names the shape in a picture of the drawn world",
    )
    good = f"""
## How good it is

It names {drawn["resnet_shape"]:.1%} of {drawn["pictures"]} drawn pictures of held-out combinations. In training
pictures were shifted, softened, re-lit and sprinkled with noise, so that it can judge generated ones, of which it
never saw any.
"""
    return front + good + _WORLD_WORDS + _made(figures, "resnet")


def _made(figures: Mapping[str, Any], *names: str) -> str:
    training = figures["training"]
    runs = [
        f"- {name}: {training[name]['steps']:,} steps in {training[name]['minutes']:.0f} minutes\n"
        for name in names
    ]
    return _MADE.format(**figures["run"], training="\n" + "".join(runs))
