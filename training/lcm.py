"""The LCM-LoRA, with which the U-Net generates in four steps: its training, evaluation and model card.

Latent consistency distillation into a LoRA (Luo et al. 2023).
"""

from __future__ import annotations

import json
import random
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers import LCMScheduler, StableDiffusionPipeline, UNet2DConditionModel
from peft import LoraConfig
from PIL import Image
from torch import nn

from training.config import RunConfig
from training.evaluation import (
    GUIDANCE,
    STEPS,
    Prompt,
    accuracy,
    classify,
    contact_sheet,
    generate,
    held_out_prompts,
    save_figures,
    training_time,
)
from training.export import LCM_LORA, RESNET, WORLD
from training.loop import TrainConfig, TrainResult, train
from training.scenes import random_caption
from training.unet import LatentDataset, caption_rows, new_scheduler

BATCH = 32
RANK = 16
"""Of every adapted layer: 1.97 MB in 16 bits."""
TEACHER_GUIDANCE = 5.0
"""The `guidance_scale` of the teacher, which the student learns to do without."""
SOLVER_STEPS = 50
"""Of the teacher's DDIM: the default `original_inference_steps` of `LCMScheduler`, which uses a subset of its times."""
HUBER = 0.001
"""Where the pseudo-Huber loss turns from quadratic to linear."""
SCALING, SIGMA = 10.0, 0.5
"""Of time and of data, at the boundary condition: the defaults of `LCMScheduler`."""
LAYERS = (
    *("to_q", "to_k", "to_v", "to_out.0", "proj_in", "proj_out", "ff.net.0.proj", "ff.net.2"),
    *("conv1", "conv2", "conv_shortcut", "downsamplers.0.conv", "upsamplers.0.conv", "time_emb_proj"),
)
"""The layers that LCM-LoRA adapts: all attention, residual, resampling and feed-forward layers."""

PROMPTS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """Settings of generation with tiny-world."""

    lora: bool
    scheduler: str
    """DDIM or LCM."""
    steps: int
    guidance: float


FULL = Sampling(lora=False, scheduler="DDIM", steps=STEPS, guidance=GUIDANCE)
FAST = Sampling(lora=True, scheduler="LCM", steps=4, guidance=1.0)
OTHERS = (
    Sampling(lora=True, scheduler="LCM", steps=1, guidance=1.0),
    Sampling(lora=True, scheduler="LCM", steps=2, guidance=1.0),
    Sampling(lora=True, scheduler="LCM", steps=8, guidance=1.0),
    Sampling(lora=True, scheduler="LCM", steps=4, guidance=1.5),
    Sampling(lora=False, scheduler="LCM", steps=4, guidance=1.0),
    Sampling(lora=False, scheduler="LCM", steps=4, guidance=GUIDANCE),
    Sampling(lora=False, scheduler="DDIM", steps=4, guidance=1.0),
    Sampling(lora=False, scheduler="DDIM", steps=4, guidance=GUIDANCE),
)
"""The LoRA with other numbers of steps, and four steps without the LoRA."""


def add_adapter(unet: UNet2DConditionModel) -> nn.ParameterList:
    """Add an untrained adapter, which has no effect yet, to `unet`, and return its weights; freeze all others."""
    unet.requires_grad_(False)
    unet.add_adapter(LoraConfig(r=RANK, lora_alpha=RANK, target_modules=list(LAYERS)))
    return nn.ParameterList([weight for weight in unet.parameters() if weight.requires_grad])


def train_lcm(
    unet: UNet2DConditionModel, dataset: LatentDataset, config: TrainConfig, device: torch.device
) -> TrainResult:
    """Add an adapter to `unet` and train it to predict at every time what it predicts one solver step later.

    The teacher is the same U-Net without the adapter, with guidance.
    """
    weights = add_adapter(unet.to(device).eval())
    alphas = new_scheduler().alphas_cumprod.to(device)
    empty = dataset.embeddings[caption_rows()[""]].expand(BATCH, -1, -1).to(device)

    def loss_at(step: int, rng: torch.Generator) -> torch.Tensor:
        indices = torch.randint(len(dataset.scenes), (BATCH,), generator=rng)
        clean = dataset.latents[indices].to(device)
        noise = torch.randn(clean.shape, generator=rng).to(device)
        later, earlier = (times.to(device) for times in solver_times(rng))
        alpha = alphas[later].view(-1, 1, 1, 1)
        noisy = alpha.sqrt() * clean + (1 - alpha).sqrt() * noise
        text = _embeddings(dataset, indices, random.Random(f"{config.seed} {step}")).to(device)
        with torch.no_grad():
            unet.disable_adapters()
            both = torch.cat([text, empty])
            conditional, unconditional = unet(noisy.repeat(2, 1, 1, 1), later.repeat(2), both).sample.chunk(2)
            unet.enable_adapters()
            guided = unconditional + TEACHER_GUIDANCE * (conditional - unconditional)
            solved = ddim_step(noisy, guided, alphas[later], alphas[earlier])
            target = denoised(solved, unet(solved, earlier, text).sample, earlier, alphas[earlier])
        predicted = denoised(noisy, unet(noisy, later, text).sample, later, alphas[later])
        return (((predicted - target).square() + HUBER**2).sqrt() - HUBER).mean()

    return train(weights, loss_at, config)


def solver_times(rng: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Draw the times of a batch evenly from those of the solver, and return with them those one solver step earlier."""
    stride = 1000 // SOLVER_STEPS
    number = ((torch.arange(BATCH) + torch.rand(BATCH, generator=rng)) * SOLVER_STEPS / BATCH).long()
    later = (number.clamp(max=SOLVER_STEPS - 1) + 1) * stride - 1
    return later, (later - stride).clamp(min=0)


def ddim_step(
    noisy: torch.Tensor, noise: torch.Tensor, alpha: torch.Tensor, alpha_before: torch.Tensor
) -> torch.Tensor:
    """Step from the noise level of `alpha` to that of `alpha_before`, both (batch,); Song et al. 2020, equation 12."""
    alpha, alpha_before = alpha.view(-1, 1, 1, 1), alpha_before.view(-1, 1, 1, 1)
    clean = (noisy - (1 - alpha).sqrt() * noise) / alpha.sqrt()
    return alpha_before.sqrt() * clean + (1 - alpha_before).sqrt() * noise


def denoised(
    noisy: torch.Tensor, noise: torch.Tensor, times: torch.Tensor, alpha: torch.Tensor
) -> torch.Tensor:
    """Compute the consistency function as `LCMScheduler` does: the input itself at time 0, later the clean estimate."""
    scaled = (times * SCALING).view(-1, 1, 1, 1)
    alpha = alpha.view(-1, 1, 1, 1)
    clean = (noisy - (1 - alpha).sqrt() * noise) / alpha.sqrt()
    skip = SIGMA**2 / (scaled**2 + SIGMA**2)
    return skip * noisy + scaled / (scaled**2 + SIGMA**2).sqrt() * clean


def generate_with(models: Path, sampling: Sampling, prompts: Sequence[Prompt]) -> list[Image.Image]:
    """Generate a picture of each prompt from the folders in `models`; the seed of picture k is k."""
    pipeline = StableDiffusionPipeline.from_pretrained(models / WORLD)
    if sampling.lora:
        pipeline.load_lora_weights(models / LCM_LORA)
    if sampling.scheduler == "LCM":
        pipeline.scheduler = LCMScheduler.from_config(pipeline.scheduler.config)
    return generate(
        pipeline, [prompt.text for prompt in prompts], steps=sampling.steps, guidance=sampling.guidance
    )


def evaluate_lcm(config: RunConfig) -> list[dict[str, Any]]:
    """Evaluate all settings on the folders in `config.output`; save figures and pictures, write the model card."""
    prompts = held_out_prompts(PROMPTS)
    rows, pictures = [], {}
    for sampling in (FULL, FAST, *OTHERS):
        start = time.monotonic()
        pictures[sampling] = generate_with(config.output, sampling, prompts)
        rows.append(
            {
                **asdict(sampling),
                **accuracy(classify(config.output / RESNET, prompts, pictures[sampling])),
                "seconds_per_picture": (time.monotonic() - start) / len(prompts),
            }
        )
        print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
    save_figures(config, "lcm", rows)
    pairs = [picture for pair in zip(pictures[FULL], pictures[FAST], strict=True) for picture in pair]
    contact_sheet(pairs[:120], 12).save(config.work_dir / "lcm.png")
    card = lcm_card(rows, len(prompts), *training_time(config, "lcm"))
    (config.output / LCM_LORA / "README.md").write_text(card, encoding="utf-8")
    return rows


def lcm_card(rows: Sequence[Mapping[str, Any]], prompts: int, steps: int, minutes: float) -> str:
    """Return the text of the model card; `rows` are the figures of `evaluate_lcm`, in the table's order."""
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

## Evaluation

Over {prompts} prompts of held-out combinations, with the same prompts and seeds in every row. The shape is classified
by `{RESNET}`, the fill colour by `training/measures.py`:

| LoRA | scheduler | steps | guidance | U-Net calls | right shape | right colour | both |
|---|---|---|---|---|---|---|---|
{"".join(_row(row) for row in rows)}
The shape alone proves little about few steps: four steps of plain guided DDIM draw most shapes right too, but a third
of them in a wrong colour.

Measured by `python -m training --stages evaluate-lcm`.

## Limits

The teacher's guidance is in the weights: leave `guidance_scale` at 1. Colours and outlines are more accurate at 25
steps without the LoRA. The limits of `{WORLD}` apply: one shape per picture, and a small vocabulary.

## Training

By `python -m training --stages lcm export`: latent consistency distillation (Luo et al. 2023) of `{WORLD}` into a LoRA
of rank {RANK} on its attention, residual, resampling and feed-forward layers, {steps:,} steps in {minutes:.0f} minutes
of wall time. The teacher is `{WORLD}` itself at guidance {TEACHER_GUIDANCE:g}, one DDIM step of {SOLVER_STEPS} at a
time. The training pictures of `{WORLD}` were the only data. The weights are stored in 16 bits.
"""


def _embeddings(dataset: LatentDataset, indices: torch.Tensor, caption_rng: random.Random) -> torch.Tensor:
    texts = [random_caption(dataset.scenes[index], caption_rng).text for index in indices.tolist()]
    return dataset.embeddings[torch.tensor([caption_rows()[text] for text in texts])]


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
