"""The ControlNet, which puts a shape where the canny edges of a picture are: its training, evaluation and model card.

It is evaluated by masks: the shape found in a generated picture against the shape that was drawn.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import torch
from diffusers import (
    ControlNetModel,
    StableDiffusionControlNetPipeline,
    StableDiffusionPipeline,
    UNet2DConditionModel,
)
from PIL import Image

from training.config import RunConfig
from training.dataset import Drawings
from training.drawing import draw, shape_mask
from training.evaluation import BATCH as EVALUATION_BATCH
from training.evaluation import (
    GUIDANCE,
    STEPS,
    Prompt,
    contact_sheet,
    generate,
    held_out_prompts,
    save_figures,
    share,
    training_time,
)
from training.export import CANNY, WORLD
from training.loop import TrainConfig, TrainResult, train
from training.measures import find_shape, intersection_over_union
from training.scenes import colour_wordings
from training.unet import LatentDataset, draw_batch
from training.vae import through_autoencoder

BATCH = 32
CAPTION_DROPOUT = 0.5
"""Share of captions replaced by the empty one, so that edges replace missing words (Zhang et al. 2023)."""
THRESHOLDS = 100, 200
"""Canny's two, as in diffusers' guide to ControlNet."""
_SHARED = (
    *("in_channels", "block_out_channels", "down_block_types", "layers_per_block", "norm_num_groups"),
    *("cross_attention_dim", "attention_head_dim", "flip_sin_to_cos", "freq_shift"),
)
"""Settings copied from the U-Net."""

EDGES = 100
FIRST_DRAWING = 9_000_000
"""Seed of the first drawing: far from those of any training."""
REQUIRED = 0.7
"""Intersection over union that counts as a hit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sketch:
    """A drawing excluded from training, whose edges control a picture of its prompt."""

    prompt: Prompt
    seed: int
    """Of the drawing."""

    @property
    def drawing(self) -> Image.Image:
        """The drawing, which the ControlNet does not see."""
        return draw(self.prompt.scene, self.seed)

    @property
    def edges(self) -> Image.Image:
        """Its edges, which the ControlNet sees."""
        return Image.fromarray(canny(np.asarray(self.drawing)))


def new_controlnet(unet: UNet2DConditionModel) -> ControlNetModel:
    """Return a ControlNet of 2.1 million parameters with the U-Net's encoder weights, which has no effect yet.

    Unlike the U-Net's, its middle block has no attention, which would be a third of its weights: the edges are
    processed before it.
    """
    net = ControlNetModel(
        **{name: unet.config[name] for name in _SHARED},
        mid_block_type="UNetMidBlock2D",
        conditioning_embedding_out_channels=(16, 16, 32, 64),
    )
    for name in ("conv_in", "time_embedding", "down_blocks"):
        getattr(net, name).load_state_dict(getattr(unet, name).state_dict())
    net.mid_block.resnets[0].load_state_dict(unet.mid_block.resnets[0].state_dict())
    return net


def canny(picture: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Return the edges of an RGB picture (row, column, channel): 255 on an edge, the same in all three channels."""
    return np.repeat(cv2.Canny(picture, *THRESHOLDS)[:, :, None], 3, axis=2).astype(np.uint8)


def train_controlnet(
    net: ControlNetModel,
    unet: UNet2DConditionModel,
    dataset: LatentDataset,
    drawings: Drawings,
    config: TrainConfig,
    device: torch.device,
) -> TrainResult:
    """Train `net` like `train_unet`, on the edges of `drawings`, the dataset's pictures; `unet` is frozen."""
    net.to(device)
    unet.to(device).requires_grad_(False)

    def loss_at(step: int, rng: torch.Generator) -> torch.Tensor:
        caption_rng = random.Random(f"{config.seed} {step}")
        batch = draw_batch(dataset, BATCH, CAPTION_DROPOUT, rng, caption_rng).replica_share(device)
        edges = torch.from_numpy(
            np.stack([canny(drawings.pixels[index]) for index in batch.indices.tolist()])
        )
        condition = edges.permute(0, 3, 1, 2).float().div(255).to(device)
        down, middle = net(batch.noisy, batch.times, batch.text, condition, return_dict=False)
        predicted = unet(
            batch.noisy,
            batch.times,
            batch.text,
            down_block_additional_residuals=down,
            mid_block_additional_residual=middle,
        ).sample
        return batch.loss(predicted)

    return train(net, loss_at, config)


def held_out_sketches(count: int) -> list[Sketch]:
    """Return sketches of held-out prompts."""
    return [
        Sketch(prompt=prompt, seed=FIRST_DRAWING + number)
        for number, prompt in enumerate(held_out_prompts(count))
    ]


def load_with_controlnet(world: Path, controlnet: Path) -> StableDiffusionControlNetPipeline:
    """Load the pipeline of the two folders."""
    pipeline = StableDiffusionControlNetPipeline.from_pretrained(
        world, controlnet=ControlNetModel.from_pretrained(controlnet)
    )
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def render_sketches(
    pipeline: StableDiffusionControlNetPipeline, sketches: Sequence[Sketch]
) -> list[Image.Image]:
    """Generate a picture from each sketch's edges and prompt, with the settings and noise of `evaluation.generate`."""
    pictures: list[Image.Image] = []
    for start in range(0, len(sketches), EVALUATION_BATCH):
        part = sketches[start : start + EVALUATION_BATCH]
        pictures += pipeline(
            [sketch.prompt.text for sketch in part],
            image=[sketch.edges for sketch in part],
            num_inference_steps=STEPS,
            guidance_scale=GUIDANCE,
            generator=[torch.Generator("cpu").manual_seed(start + k) for k in range(len(part))],
        ).images
    return pictures


def overlaps(sketches: Sequence[Sketch], pictures: Sequence[Image.Image]) -> list[float]:
    """Return the intersection over union of each picture's shape, found by the prompt's colour, with the drawn one."""
    return [
        intersection_over_union(
            find_shape(picture, sketch.prompt.scene.colour), shape_mask(sketch.prompt.scene, sketch.seed)
        )
        for sketch, picture in zip(sketches, pictures, strict=True)
    ]


def evaluate_controlnet(config: RunConfig) -> dict[str, dict[str, float]]:
    """Evaluate the folders in `config.output`; save figures and pictures, write the model card."""
    sketches = held_out_sketches(EDGES)
    plain = StableDiffusionPipeline.from_pretrained(config.output / WORLD)
    guided = load_with_controlnet(config.output / WORLD, config.output / CANNY)
    drawings = [sketch.drawing for sketch in sketches]
    pictures = {
        "drawn": drawings,
        "autoencoded": through_autoencoder(plain.vae, drawings),
        "guided": render_sketches(guided, sketches),
        "guided, shape unnamed": render_sketches(guided, [_shape_unnamed(sketch) for sketch in sketches]),
        "not guided": generate(plain, [sketch.prompt.text for sketch in sketches]),
    }
    figures = {name: _summary(overlaps(sketches, made)) for name, made in pictures.items()}
    save_figures(config, "controlnet", figures)
    rows = [
        pictures["drawn"],
        [sketch.edges for sketch in sketches],
        *(pictures[name] for name in ("guided", "guided, shape unnamed", "not guided")),
    ]
    columns = [picture for column in zip(*rows, strict=True) for picture in column]
    contact_sheet(columns, 15).save(config.work_dir / "controlnet.png")
    card = controlnet_card(figures, EDGES, *training_time(config, "controlnet"))
    (config.output / CANNY / "README.md").write_text(card, encoding="utf-8")
    return figures


def controlnet_card(
    figures: Mapping[str, Mapping[str, float]], edges: int, steps: int, minutes: float
) -> str:
    """Return the text of the model card; `figures` are those of `evaluate_controlnet`."""
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
        dropout=CAPTION_DROPOUT,
    )


def _shape_unnamed(sketch: Sketch) -> Sketch:
    """Return the same sketch with a prompt that names the colour only."""
    text = colour_wordings(sketch.prompt.scene.colour)[0]
    return replace(sketch, prompt=replace(sketch.prompt, text=text))


def _summary(values: Sequence[float]) -> dict[str, float]:
    return {
        "mean": sum(values) / len(values),
        "least": min(values),
        "reached": share([value >= REQUIRED for value in values]),
    }


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

## Evaluation

On the edges of {edges} drawings of held-out combinations, each with its caption, 25 DDIM steps, guidance 5,
`controlnet_conditioning_scale` 1. The measure is the intersection over union of the shape found in the picture with
the shape that was drawn, without rim, ink or glow.

| pictures | mean | least | at least 0.7 |
|---|---|---|---|
| **with this ControlNet** | **{guided}** |
| with it, the prompt names the colour only ("a red shape") | {unnamed} |
| without it, same prompts and seeds | {not_guided} |
| the drawings through the autoencoder | {autoencoded} |
| the drawings themselves | {drawn} |

A shape is found by its colour (`training/measures.py`), without a learned model. The last two rows are upper bounds of
the measure: no picture of {world} is sharper than its autoencoder. A picture in another colour than the prompt's, or
without any, counts with what is found, down to 0.

Measured by `python -m training --stages evaluate-controlnet`.

## Limits

It was trained on the edges of complete drawings, with rims, ink and backdrops, at 64 x 64 pixels. It follows position
and size closely, rotation less so, and often loses thin details such as the points of a star. A prompt should name the
shape.

## Training

By `python -m training --stages controlnet export`, on the pictures and captions of {world}, whose U-Net was frozen:
{steps:,} steps of {batch} pictures in {minutes:.0f} minutes of wall time on one CPU core of a machine with other
load. {dropout:.0%} of the captions were dropped. It starts with the weights of the U-Net's encoder, but its middle
block has no attention.

The weights are stored in 16 bits and load as float32 by default.
"""
