"""The ControlNet: the canny edges of a picture say where its shape stands."""

from __future__ import annotations

import random

import cv2
import numpy as np
import numpy.typing as npt
import torch
from diffusers import ControlNetModel, UNet2DConditionModel

from farm.demo.drawings import Drawings
from farm.demo.loop import Course, Trained, train
from farm.demo.unet import Lessons, draw_batch

BATCH = 32
DROPPED = 0.5
"""Share of captions replaced by the empty one, so that edges say what words leave out (Zhang et al. 2023)."""
THRESHOLDS = 100, 200
"""Canny's two, as in diffusers' guide to ControlNet."""
_SHARED = (
    *("in_channels", "block_out_channels", "down_block_types", "layers_per_block", "norm_num_groups"),
    *("cross_attention_dim", "attention_head_dim", "flip_sin_to_cos", "freq_shift"),
)
"""Settings that it has from the U-Net."""


def new_controlnet(unet: UNet2DConditionModel) -> ControlNetModel:
    """A ControlNet of 2.1 million parameters that begins as the U-Net's encoder and changes nothing yet.

    Unlike the U-Net's, its middle has no attention, which would be a third of its weights: edges are read before.
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
    """The edges of an RGB picture (row, column, channel): 255 where one is, the same in all three channels."""
    return np.repeat(cv2.Canny(picture, *THRESHOLDS)[:, :, None], 3, axis=2).astype(np.uint8)


def train_controlnet(
    net: ControlNetModel,
    unet: UNet2DConditionModel,
    lessons: Lessons,
    drawn: Drawings,
    course: Course,
    device: torch.device,
) -> Trained:
    """Train `net` on the edges of `drawn`, the pictures of the lessons, as `train_unet` does; `unet` is frozen."""
    net.to(device)
    unet.to(device).requires_grad_(False)

    def loss_at(step: int, rng: torch.Generator) -> torch.Tensor:
        speaker = random.Random(f"{course.seed} {step}")
        batch = draw_batch(lessons, BATCH, DROPPED, rng, speaker).share(device)
        edges = torch.from_numpy(np.stack([canny(drawn.pixels[index]) for index in batch.chosen.tolist()]))
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

    return train(net, loss_at, course)
