"""A small ResNet that names the shape in a picture: trained on drawn pictures only, it judges generated ones."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from transformers import ResNetConfig, ResNetForImageClassification

from farm.demo.drawings import Drawings
from farm.demo.loop import Course, Trained, train
from farm.demo.vocabulary import SHAPES

BATCH = 96


def new_resnet() -> ResNetForImageClassification:
    """An untrained classifier of 0.6 million parameters over the world's shapes."""
    return ResNetForImageClassification(
        ResNetConfig(
            embedding_size=32,
            hidden_sizes=[32, 64, 96, 112],
            depths=[1, 1, 2, 1],
            layer_type="basic",
            id2label=dict(enumerate(SHAPES)),
            label2id={shape: number for number, shape in enumerate(SHAPES)},
        )
    )


def train_resnet(
    resnet: ResNetForImageClassification, drawn: Drawings, course: Course, device: torch.device
) -> Trained:
    """Train on drawn pictures that were shifted, blurred, re-lit and sprinkled with noise."""
    resnet.to(device)
    labels = torch.tensor([SHAPES.index(scene.shape) for scene in drawn.scenes])

    def loss_at(step: int, rng: torch.Generator) -> torch.Tensor:
        chosen = torch.randint(len(drawn.scenes), (BATCH,), generator=rng)
        pixels = disturb(drawn.batch(chosen), rng).to(device)
        logits = resnet(pixel_values=pixels).logits
        return F.cross_entropy(logits, labels[chosen].to(device), label_smoothing=0.05)

    return train(resnet, loss_at, course)


def disturb(pixels: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
    """Pictures (B, 3, H, W) in -1..1, each placed anew, some softened, with light and noise changed."""
    count = len(pixels)
    placed = place_anew(pixels, rng)
    softness = torch.rand(count, 1, 1, 1, generator=rng)
    soft = F.avg_pool2d(
        F.avg_pool2d(placed, 3, 1, 1, count_include_pad=False), 3, 1, 1, count_include_pad=False
    )
    placed = torch.lerp(placed, soft, softness * (torch.rand(count, 1, 1, 1, generator=rng) < 0.6))
    contrast = 1 + 0.25 * (2 * torch.rand(count, 1, 1, 1, generator=rng) - 1)
    tint = 0.12 * torch.randn(count, 3, 1, 1, generator=rng)
    noise = torch.randn(pixels.shape, generator=rng) * 0.15 * torch.rand(count, 1, 1, 1, generator=rng)
    return (placed * contrast + tint + noise).clamp(-1, 1)


def place_anew(pixels: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
    """Pictures (B, 3, H, W), each shifted and scaled a little and half of them mirrored."""
    count = len(pixels)
    scale = 1 + 0.15 * (2 * torch.rand(count, generator=rng) - 1)
    shift = 0.15 * (2 * torch.rand(count, 2, generator=rng) - 1)
    flip = torch.where(torch.rand(count, generator=rng) < 0.5, -1.0, 1.0)
    zero = torch.zeros(count)
    placing = torch.stack(
        [torch.stack([scale * flip, zero, shift[:, 0]], 1), torch.stack([zero, scale, shift[:, 1]], 1)], 1
    )
    grid = F.affine_grid(placing, list(pixels.shape), align_corners=False)
    return F.grid_sample(pixels, grid, padding_mode="reflection", align_corners=False)


@torch.no_grad()
def shapes_named(resnet: ResNetForImageClassification, pixels: torch.Tensor) -> list[str]:
    """The shape seen in each picture of (B, 3, H, W), values -1..1."""
    resnet.eval()
    named = [resnet(pixel_values=part.to(resnet.device)).logits.argmax(1) for part in pixels.split(100)]
    return [SHAPES[number] for number in torch.cat(named).tolist()]
