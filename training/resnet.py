"""A small ResNet that classifies the shape in a picture: trained on drawn pictures, it evaluates generated ones."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from transformers import ResNetConfig, ResNetForImageClassification

from training.dataset import Drawings
from training.loop import TrainConfig, TrainResult, train
from training.scenes import SHAPES

BATCH = 96


def new_resnet() -> ResNetForImageClassification:
    """Return an untrained classifier of the shapes, with 0.6 million parameters."""
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
    resnet: ResNetForImageClassification, drawn: Drawings, config: TrainConfig, device: torch.device
) -> TrainResult:
    """Train on augmented drawn pictures (see `augment`)."""
    resnet.to(device)
    labels = torch.tensor([SHAPES.index(scene.shape) for scene in drawn.scenes])

    def loss_at(step: int, rng: torch.Generator) -> torch.Tensor:
        indices = torch.randint(len(drawn.scenes), (BATCH,), generator=rng)
        pixels = augment(drawn.batch(indices), rng).to(device)
        logits = resnet(pixel_values=pixels).logits
        return F.cross_entropy(logits, labels[indices].to(device), label_smoothing=0.05)

    return train(resnet, loss_at, config)


def augment(pixels: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
    """Return pictures (B, 3, H, W) in -1..1 shifted, scaled, partly blurred, with changed light and added noise."""
    count = len(pixels)
    moved = random_affine(pixels, rng)
    softness = torch.rand(count, 1, 1, 1, generator=rng)
    soft = F.avg_pool2d(
        F.avg_pool2d(moved, 3, 1, 1, count_include_pad=False), 3, 1, 1, count_include_pad=False
    )
    moved = torch.lerp(moved, soft, softness * (torch.rand(count, 1, 1, 1, generator=rng) < 0.6))
    contrast = 1 + 0.25 * (2 * torch.rand(count, 1, 1, 1, generator=rng) - 1)
    tint = 0.12 * torch.randn(count, 3, 1, 1, generator=rng)
    noise = torch.randn(pixels.shape, generator=rng) * 0.15 * torch.rand(count, 1, 1, 1, generator=rng)
    return (moved * contrast + tint + noise).clamp(-1, 1)


def random_affine(pixels: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
    """Return pictures (B, 3, H, W), each shifted and scaled a little, and half of them mirrored."""
    count = len(pixels)
    scale = 1 + 0.15 * (2 * torch.rand(count, generator=rng) - 1)
    shift = 0.15 * (2 * torch.rand(count, 2, generator=rng) - 1)
    flip = torch.where(torch.rand(count, generator=rng) < 0.5, -1.0, 1.0)
    zero = torch.zeros(count)
    transforms = torch.stack(
        [torch.stack([scale * flip, zero, shift[:, 0]], 1), torch.stack([zero, scale, shift[:, 1]], 1)], 1
    )
    grid = F.affine_grid(transforms, list(pixels.shape), align_corners=False)
    return F.grid_sample(pixels, grid, padding_mode="reflection", align_corners=False)


@torch.no_grad()
def classify_shapes(resnet: ResNetForImageClassification, pixels: torch.Tensor) -> list[str]:
    """Return the predicted shape of each picture of (B, 3, H, W), values -1..1."""
    resnet.eval()
    numbers = [resnet(pixel_values=part.to(resnet.device)).logits.argmax(1) for part in pixels.split(100)]
    return [SHAPES[number] for number in torch.cat(numbers).tolist()]
