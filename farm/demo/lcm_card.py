"""The model card of the LoRA of few steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from farm.demo.export import LCM_LORA, RESNET, WORLD
from farm.demo.lcm import GUIDANCE, RANK, SOLVER_STEPS


def lcm_card(rows: Sequence[Mapping[str, Any]], prompts: int, steps: int, minutes: float) -> str:
    """The card's text; `rows` are the figures of `lcm_measuring.measure_lcm`, in the table's order."""
    return f"""---
license: apache-2.0
library_name: diffusers
pipeline_tag: text-to-image
base_model: {WORLD}
tags: [lora, lcm-lora]
description: An LCM-LoRA with which tiny-world draws in four steps without guidance
---

# {LCM_LORA}

An LCM-LoRA with which `{WORLD}` draws in four steps without guidance: 4 calls of the U-Net per picture instead of 50.

```python
from diffusers import LCMScheduler, StableDiffusionPipeline

pipeline = StableDiffusionPipeline.from_pretrained("farm/models/{WORLD}")
pipeline.load_lora_weights("farm/models/{LCM_LORA}")
pipeline.scheduler = LCMScheduler.from_config(pipeline.scheduler.config)
pipeline("a red star at the beach, watercolor", num_inference_steps=4, guidance_scale=1).images[0]
```

## How good it is

Over {prompts} prompts of held-out combinations, every way with the same prompts and seeds. The shape is named by
`{RESNET}`, the fill colour by `farm/demo/colour.py`:

| LoRA | scheduler | steps | guidance | U-Net calls | right shape | right colour | both |
|---|---|---|---|---|---|---|---|
{"".join(_row(row) for row in rows)}
The shape alone is no proof of few steps: four of plain guided DDIM draw most shapes right too, a third of them in a
wrong colour.

Measured by `python jobs/train_demo.py --stages evaluate-lcm`.

## Limits

The teacher's guidance is in the weights: leave `guidance_scale` at 1. Colours are surer at 25 steps, and outlines
truer. One shape per picture, and the words of `{WORLD}`, as there.

## How it was made

By `python jobs/train_demo.py --stages lcm export`: latent consistency distillation (Luo et al. 2023) of `{WORLD}`
into a LoRA of rank {RANK} on its attention, residual, resampling and feed-forward layers, {steps:,} steps in
{minutes:.0f} minutes by the clock. The teacher is `{WORLD}` itself at guidance {GUIDANCE:g}, one DDIM step of
{SOLVER_STEPS} at a time. It saw the training pictures of `{WORLD}` and nothing else. The weights are stored in 16 bits.
"""


def _row(row: Mapping[str, Any]) -> str:
    calls = row["steps"] * (2 if row["guidance"] > 1 else 1)
    cells = [
        "with" if row["lora"] else "without",
        row["scheduler"],
        row["steps"],
        f"{row['guidance']:g}",
        calls,
        *(f"{row[name]:.1%}" for name in ("shape", "colour", "both")),
    ]
    return f"| {' | '.join(str(cell) for cell in cells)} |\n"
